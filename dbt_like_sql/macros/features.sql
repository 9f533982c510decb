{#- Every feature of every (lead_id, as_of) row of a spine, from facts known at as_of and from nothing else.

    Scoring, training, backtest and explanation differ in their spine only. A window of n days is the last n whole
    UTC days and the as_of day so far. Closed days come from lead_activity_daily; the as_of day, where the clock time
    matters at which something happened, became known or turned out to be no fact, comes from lead_events.

    spine: a select of lead_id and as_of (timestamp). -#}
{% macro features(spine) %}
with spine as (
    select lead_id, as_of, cast(as_of as date) as as_of_date
    from ({{ spine }})
),

{{ features_of_records() }},

{{ features_of_activity() }},

{{ features_of_accounts() }}

select
    facts.lead_id,
    facts.as_of,
    facts.account_id,
    facts.email_domain,
    facts.is_free_mail,
    facts.is_disposable_mail,
    facts.title,
    facts.seniority,
    facts.job_function,
    facts.country,
    facts.channel,
    facts.campaign,
    facts.landing_page,
    facts.has_email,
    facts.has_phone,
    facts.has_wechat,
    facts.is_competitor,
    facts.has_suspect_contact,
    facts.is_sql,
    crm_facts.intent_degree,
    crm_facts.decision_process,
    coalesce(crm_facts.has_budget, false) as has_budget,
    coalesce(crm_facts.has_authority, false) as has_authority,
    coalesce(crm_facts.has_need, false) as has_need,
    coalesce(crm_facts.has_timeline, false) as has_timeline,
    coalesce(
        cast(crm_facts.has_budget as bigint)
        + cast(crm_facts.has_authority as bigint)
        + cast(crm_facts.has_need as bigint)
        + cast(crm_facts.has_timeline as bigint),
        0
    ) as bant_known,
    facts.record_count,
    cast(firmographics.company_size as bigint) as company_size,
    firmographics.industry,
    cast(firmographics.is_listed as boolean) as is_listed,
    firmographics.country as company_country,
    firmographics.revenue_band,
    cast(firmographics.uses_competitor as boolean) as uses_competitor,
    cast(firmographics.uses_complement as boolean) as uses_complement,
    facts.created_at,
    date_diff('day', cast(facts.created_at as date), cast(facts.as_of as date)) as lead_age_days,
    greatest(facts.last_record_at, windows.last_event_at) as last_activity_at,
    date_diff(
        'day', cast(greatest(facts.last_record_at, windows.last_event_at) as date), cast(facts.as_of as date)
    ) as days_since_last_activity,
    coalesce(account_facts.account_lead_count, 0) as account_lead_count,
    coalesce(account_facts.account_active_leads_30d, 0) as account_active_leads_30d,
    coalesce(account_facts.account_touches_30d, 0) as account_touches_30d,
    coalesce(wins.first_win_known_at < cast(facts.as_of as date), false) as account_has_won,
    coalesce(customer_facts.is_customer, false) as is_customer,
    coalesce(customer_facts.has_churned, false) as has_churned,
    coalesce(customer_facts.is_on_trial, false) as is_on_trial,
    cast(customer_facts.nps_score as bigint) as nps_score,
    customer_facts.days_to_renewal,
    cast(customer_facts.open_service_tickets as bigint) as open_service_tickets,
    {{ activity_columns() }},
    attribute_maps.attributes
from lead_facts as facts
left join crm_facts on crm_facts.lead_id = facts.lead_id and crm_facts.as_of = facts.as_of
left join attribute_maps on attribute_maps.lead_id = facts.lead_id and attribute_maps.as_of = facts.as_of
left join account_facts
    on account_facts.account_id = facts.account_id and account_facts.as_of_date = cast(facts.as_of as date)
left join {{ ref('account_wins') }} as wins on wins.account_id = facts.account_id
left join customer_facts on customer_facts.lead_id = facts.lead_id and customer_facts.as_of = facts.as_of
left join trial_features on trial_features.lead_id = facts.lead_id and trial_features.as_of = facts.as_of
left join account_firmographics as firmographics
    on firmographics.lead_id = facts.lead_id and firmographics.as_of = facts.as_of
left join activity_windows as windows on windows.lead_id = facts.lead_id and windows.as_of = facts.as_of
{% endmacro %}
