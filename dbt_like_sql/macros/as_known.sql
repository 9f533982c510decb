{#- The rows of a raw table as they were known at the refresh's moment, for the from clause.

    Where the version in force became known later, the one that was in force then stands in its place; a row that was
    deleted later is there. What has no version that was known then stays in: models leave it out by known_at.

    table: a raw table that has a history beside it. key: its natural key, one column. -#}
{% macro as_known(table, key) %}
(
    with known as (
        select *, bool_or(is_deleted and source_file is null) over (partition by {{ key }}, source_name) as is_absent
        from {{ source('raw', table ~ '_history') }}
        where known_at <= timestamp '{{ var("as_of") }}'
    ),

    -- A row that was absent from its source's newest file is gone, whatever moments its versions claim.
    last_known as (
        select * exclude (is_absent)
        from known
        where not is_absent
        qualify row_number() over (
            partition by {{ key }} order by known_at desc, source_name desc, coalesce(source_file, '') desc
        ) = 1
    ),

    earlier as (
        select * exclude (is_deleted)
        from last_known
        where not is_deleted
            and {{ key }} not in (
                select {{ key }}
                from {{ source('raw', table) }}
                where known_at <= timestamp '{{ var("as_of") }}'
            )
    )

    select *
    from {{ source('raw', table) }}
    where {{ key }} not in (select {{ key }} from earlier)

    union all by name

    select *
    from earlier
)
{% endmacro %}
