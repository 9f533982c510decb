{#- Common table expressions of features(spine): what is known of the lead's account beside its own doing.

    Sums over the account's leads are those known when the as_of day began: one row of account_facts per account and day,
    however many of its leads are looked at. account_firmographics: what was told of the account at the moment; of a field
    one word is in force at a time. customer_facts: one row per lead and moment whose account has or had a contract
    or trial by then. -#}
{% macro features_of_accounts() -%}
account_firmographics as (
    select
        lead_facts.lead_id,
        lead_facts.as_of
        {%- for field in ['company_size', 'industry', 'is_listed', 'country', 'revenue_band', 'uses_competitor', 'uses_complement'] %},
        max(firm.value) filter (where firm.field = '{{ field }}') as {{ field }}
        {%- endfor %}
    from lead_facts
    inner join {{ source('enrich', 'firmographic_facts') }} as firm
        on firm.account_id = lead_facts.account_id
        and firm.known_from <= lead_facts.as_of
        and (firm.known_until is null or firm.known_until > lead_facts.as_of)
    group by lead_facts.lead_id, lead_facts.as_of
),

account_days as (
    select distinct account_id, cast(as_of as date) as as_of_date
    from lead_facts
    where account_id is not null
),

account_leads as (
    select distinct account_days.account_id, account_days.as_of_date, members.lead_id
    from account_days
    inner join {{ source('identity', 'identity_map') }} as members
        on members.account_id = account_days.account_id
        and members.known_from < account_days.as_of_date
        and members.account_known_from < account_days.as_of_date
        and (members.known_to is null or members.known_to >= account_days.as_of_date)
),

account_touches as (
    select
        account_leads.account_id,
        account_leads.as_of_date,
        account_leads.lead_id,
        -- a row counts once for each kind of touch that it is
        sum(daily.events * bit_count(daily.kinds & {{ kind_bits(var('touch_measures')) }})) as touches
    from account_leads
    inner join {{ ref('lead_activity_daily') }} as daily
        on daily.lead_id = account_leads.lead_id
        and daily.event_date >= account_leads.as_of_date - 30
        and daily.event_date < account_leads.as_of_date
        and daily.known_date < account_leads.as_of_date
        and (daily.known_until_date is null or daily.known_until_date >= account_leads.as_of_date)
        and {{ is_of(var('touch_measures'), 'daily.') }}
    group by account_leads.account_id, account_leads.as_of_date, account_leads.lead_id
),

account_facts as (
    select
        account_leads.account_id,
        account_leads.as_of_date,
        count(*) as account_lead_count,
        count(*) filter (where account_touches.touches > 0) as account_active_leads_30d,
        cast(coalesce(sum(account_touches.touches), 0) as bigint) as account_touches_30d
    from account_leads
    left join account_touches
        on account_touches.account_id = account_leads.account_id
        and account_touches.as_of_date = account_leads.as_of_date
        and account_touches.lead_id = account_leads.lead_id
    group by account_leads.account_id, account_leads.as_of_date
),

customer_facts as (
    select
        lead_facts.lead_id,
        lead_facts.as_of,
        bool_or(contracts.contract_began_at <= lead_facts.as_of and coalesce(contracts.churned_at > lead_facts.as_of, true)) as is_customer,
        bool_or(coalesce(contracts.churned_at <= lead_facts.as_of, false)) as has_churned,
        bool_or(
            coalesce(contracts.trial_started_at <= lead_facts.as_of, false)
            and coalesce(contracts.trial_ends_at > lead_facts.as_of, true)
        ) as is_on_trial,
        arg_max(contracts.nps_score, (contracts.nps_at, contracts.product_account_id))
            filter (where contracts.nps_score is not null and contracts.nps_at <= lead_facts.as_of) as nps_score,
        min(date_diff('day', cast(lead_facts.as_of as date), cast(contracts.renewal_at as date)))
            filter (where contracts.renewal_at > lead_facts.as_of) as days_to_renewal,
        sum(contracts.open_service_tickets) as open_service_tickets
    from lead_facts
    inner join {{ ref('account_contracts') }} as contracts
        on contracts.account_id = lead_facts.account_id
        and contracts.known_at <= lead_facts.as_of
        and (contracts.known_until is null or contracts.known_until > lead_facts.as_of)
    group by lead_facts.lead_id, lead_facts.as_of
)
{%- endmacro %}
