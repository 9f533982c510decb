{#- Columns of a fact that fact_digests sums: a hash of it with its moments, and the moments.

    row: what else is hashed. until: from when on it is no fact. -#}
{% macro hashed_fact(row, until='cast(null as timestamp)') -%}
hash(occurred_at, known_at, {{ row }}) as fact_hash,
            occurred_at,
            known_at,
            {{ until }} as known_until
{%- endmacro %}

{#- Sums of the hashes of one key's facts: of all; of those that the clock decides on, of today or to come, each with what has
    come by the refresh's moment; and of those that were known when its day began. -#}
{% macro fact_digests() -%}
{%- set as_of = "timestamp '" ~ var('as_of') ~ "'" -%}
{%- set today = "date '" ~ var('as_of')[:10] ~ "'" -%}
sum(fact_hash) as facts_digest,
        sum(case
            when occurred_at >= {{ today }} or known_at >= {{ today }} or known_until >= {{ today }}
                then hash(fact_hash, occurred_at <= {{ as_of }}, known_at <= {{ as_of }}, known_until <= {{ as_of }})
        end) as clock_digest,
        sum(case when occurred_at < {{ today }} and known_at < {{ today }} then fact_hash end) as closed_digest
{%- endmacro %}
