-- grain: one row per lead, as of the refresh's moment
{{ config(materialized='table') }}

{#- A known value stays; an unknown one is that of its segment, else that of all, and flagged. Segments are told by what is
    known, not by what was imputed. -#}
{%- set fields = {'company_size': ('industry', 'bigint'), 'industry': ('company_country', 'varchar'), 'is_listed': ('industry', 'boolean'), 'revenue_band': ('industry', 'varchar')} %}
select
    leads.lead_id,
    leads.as_of
    {%- for field, (segment, data_type) in fields.items() %},
    coalesce(leads.{{ field }}, cast(coalesce({{ field }}_of_segment.value, {{ field }}_of_all.value) as {{ data_type }})) as {{ field }},
    leads.{{ field }} is null and coalesce({{ field }}_of_segment.value, {{ field }}_of_all.value) is not null as {{ field }}_is_imputed
    {%- endfor %}
from {{ ref('lead_features') }} as leads
{%- for field, (segment, data_type) in fields.items() %}
left join {{ ref('firmographic_fills') }} as {{ field }}_of_segment
    on {{ field }}_of_segment.field = '{{ field }}' and {{ field }}_of_segment.segment = leads.{{ segment }}
left join {{ ref('firmographic_fills') }} as {{ field }}_of_all
    on {{ field }}_of_all.field = '{{ field }}' and {{ field }}_of_all.segment is null
{%- endfor %}
