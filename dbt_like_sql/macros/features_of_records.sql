{#- Common table expressions of features(spine): what the lead's records say, those of marketing and of the CRM.

    known_records: the records of the lead that were known. lead_facts, crm_facts and attribute_maps: one row per lead and
    moment. Where records differ, the newest known one that has a value goes first; what brought the lead in is told by the
    first record of all. -#}
{% macro features_of_records() -%}
known_records as (
    select
        spine.lead_id,
        spine.as_of,
        case when members.account_known_from <= spine.as_of then members.account_id end as account_id,
        (records.known_at, records.occurred_at, records.record_key) as recency,
        (records.occurred_at, records.known_at, records.record_key) as sequence,
        records.record_key,
        records.raw_table,
        records.sql_lead_id,
        records.email,
        records.email_domain,
        records.is_free_mail,
        records.is_disposable_mail,
        records.phone,
        records.wechat_id,
        records.title,
        records.seniority,
        records.job_function,
        records.country,
        records.channel,
        records.campaign,
        records.landing_page,
        records.competitor_known_at,
        records.suspect_known_at,
        records.occurred_at
    from spine
    inner join {{ source('identity', 'identity_map') }} as members
        on members.lead_id = spine.lead_id
        and members.known_from <= spine.as_of
        and (members.known_to is null or members.known_to > spine.as_of)
    inner join {{ source('clean', 'clean_leads') }} as records
        on records.record_key = members.record_key
        and records.known_at <= spine.as_of
),

lead_facts as (
    select
        lead_id,
        as_of,
        arg_max(account_id, recency) filter (where account_id is not null) as account_id,
        arg_max(email_domain, recency) filter (where email_domain is not null) as email_domain,
        arg_max(is_free_mail, recency) filter (where is_free_mail is not null) as is_free_mail,
        arg_max(is_disposable_mail, recency) filter (where is_disposable_mail is not null) as is_disposable_mail,
        arg_max(title, recency) filter (where title is not null) as title,
        arg_max_null(seniority, recency) filter (where title is not null) as seniority,
        arg_max_null(job_function, recency) filter (where title is not null) as job_function,
        arg_max(country, recency) filter (where country is not null) as country,
        arg_min_null(channel, sequence) as channel,
        arg_min_null(campaign, sequence) as campaign,
        arg_min_null(landing_page, sequence) as landing_page,
        bool_or(email is not null) as has_email,
        bool_or(phone is not null) as has_phone,
        bool_or(wechat_id is not null) as has_wechat,
        bool_or(coalesce(competitor_known_at <= as_of, false)) as is_competitor,
        bool_or(coalesce(suspect_known_at <= as_of, false)) as has_suspect_contact,
        bool_or(raw_table = 'sql_leads') as is_sql,
        count(*) as record_count,
        min(occurred_at) as created_at,
        max(occurred_at) as last_record_at
    from known_records
    group by lead_id, as_of
),

crm_facts as (
    select
        known_records.lead_id,
        known_records.as_of,
        arg_max(crm.intent_degree, known_records.recency) filter (where crm.intent_degree is not null) as intent_degree,
        arg_max(crm.decision_process, known_records.recency)
            filter (where crm.decision_process is not null) as decision_process,
        bool_or(crm.budget is not null or crm.budget_amount is not null) as has_budget,
        bool_or(crm.authority is not null) as has_authority,
        bool_or(crm.need is not null) as has_need,
        bool_or(crm.timeline is not null) as has_timeline
    from known_records
    inner join {{ ref('stg_sql_leads') }} as crm
        on crm.sql_lead_id = known_records.sql_lead_id and crm.known_at <= known_records.as_of
    group by known_records.lead_id, known_records.as_of
),

attribute_values as (
    select
        known_records.lead_id,
        known_records.as_of,
        attributes.attribute,
        arg_max(attributes.value, known_records.recency) as value
    from known_records
    inner join {{ ref('stg_attributes') }} as attributes
        on attributes.raw_table || ':' || attributes.record_id = known_records.record_key
        and attributes.known_at <= known_records.as_of
    where attributes.value is not null
    group by known_records.lead_id, known_records.as_of, attributes.attribute
),

attribute_maps as (
    select
        lead_id,
        as_of,
        cast(to_json(map_from_entries(list((attribute, value) order by attribute))) as varchar) as attributes
    from attribute_values
    group by lead_id, as_of
)
{%- endmacro %}
