{#- Common table expressions by which a company that a system outside knows is one of leadflow's accounts: `domains`, the
    account of a web domain, and `names`, the account of a name in lower case. What several accounts have is of none. -#}
{% macro accounts_by_company() -%}
domains as (
    select domain, account_id
    from {{ source('identity', 'accounts') }}
    where domain is not null
    qualify count(*) over (partition by domain) = 1
),

names as (
    select lower(company_name) as company_name, account_id
    from {{ source('identity', 'accounts') }}
    where company_name is not null
    qualify count(*) over (partition by lower(company_name)) = 1
)
{%- endmacro %}
