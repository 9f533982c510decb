-- grain: one row per fact that a lead did something
{{ config(materialized='table', meta={'remade_by': 'lead_digests.facts_digest'}) }}

{#- A fact tied to a lead is known once both the fact and the membership that ties it are known.

    A web event that names neither form nor address belongs to whoever its visitor was last known to be: by the newest
    form or login before it, or else by the first one after. The older tie goes first, so that a later form of somebody
    else on the same device takes nothing away.

    What a bot rule found is a fact until that could be known, and none from then on; what was found at once is no fact.
    A login ties its visitor all the same: whose a visitor is does not depend on what it is. -#}
with {{ fact_ties() }},

anonymous_visits as (
    select distinct visitor_id, occurred_at
    from {{ ref('clean_web_events') }}
    where mql_id is null and email is null and visitor_id is not null
),

visits as (
    select
        anonymous_visits.visitor_id,
        anonymous_visits.occurred_at,
        coalesce(earlier.lead_id, later.lead_id) as lead_id,
        coalesce(earlier.known_from, later.known_from) as known_from
    from anonymous_visits
    asof left join visitor_ties as earlier
        on earlier.visitor_id = anonymous_visits.visitor_id and earlier.tied_at <= anonymous_visits.occurred_at
    asof left join visitor_ties as later
        on later.visitor_id = anonymous_visits.visitor_id and later.tied_at > anonymous_visits.occurred_at
),

facts as (
    select
        'mql:' || mql_id as record_key,
        email,
        case when mql_id is null and email is null then visitor_id end as visitor_id,
        occurred_at,
        known_at,
        left_out_from,
        case event_type
            when 'page_view' then {{ kind_bits(['page_views']) }}
            {%- for measure, texts in var('page_topics').items() %}
                + case when {% for text in texts %}contains(page_url, '{{ text }}'){% if not loop.last %} or {% endif %}{% endfor %} then {{ kind_bits([measure]) }} else 0 end
            {%- endfor %}
            when 'pricing_page_view' then {{ kind_bits(['page_views', 'pricing_page_views']) }}
            when 'form_submitted' then {{ kind_bits(['form_submissions']) }}
            when 'content_download' then {{ kind_bits(['content_downloads']) }} + case content_kind
                {%- for kind in var('content_kinds') %}
                when '{{ kind }}' then {{ kind_bits([kind ~ '_downloads']) }}
                {%- endfor %}
                else 0 end
            when 'webinar_attended' then {{ kind_bits(['webinars_attended']) }}
            else 0
        end as kinds
    from {{ ref('clean_web_events') }}
    {{ where_of_touched() }}

    union all by name

    select
        'mql:' || mql_id as record_key,
        email,
        occurred_at,
        known_at,
        case event_type
            when 'open' then {{ kind_bits(['email_opens']) }}
            when 'click' then {{ kind_bits(['email_clicks']) }}
            when 'reply' then {{ kind_bits(['email_replies']) }}
            else {{ kind_bits(['spam_reports']) }}
        end as kinds
    from {{ ref('stg_email_events') }}
    where event_type in ('open', 'click', 'reply', 'spam_report')

    union all by name

    select
        'mql:' || mql_id as record_key,
        email,
        occurred_at,
        known_at,
        case when is_trial then {{ kind_bits(['product_minutes', 'trial_minutes']) }} else {{ kind_bits(['product_minutes']) }} end as kinds,
        usage_minutes as minutes,
        case when is_trial then feature end as trial_feature
    from {{ ref('stg_product_usage') }}

    union all by name

    -- By the submission where the CRM lead was rejected or never landed, as lead_outcomes ties opportunities; and where both
    -- are one lead's and the submission told so earlier: what comes later must not make unknown what was known.
    select
        case
            when by_marketing.lead_id = by_sales.lead_id and by_marketing.known_from < by_sales.known_from
                then by_marketing.record_key
            else coalesce(by_sales.record_key, 'mql:' || activities.mql_id)
        end as record_key,
        activities.occurred_at,
        activities.known_at,
        case activities.activity_type
            when 'call' then {{ kind_bits(['sales_activities', 'calls']) }}
            when 'meeting' then {{ kind_bits(['sales_activities', 'meetings']) }}
            when 'quote' then {{ kind_bits(['sales_activities', 'quotes']) }}
            else {{ kind_bits(['sales_activities']) }}
        end as kinds
    from {{ ref('stg_sales_activities') }} as activities
    left join members as by_sales on by_sales.record_key = 'sql_leads:' || activities.sql_lead_id
    left join members as by_marketing on by_marketing.record_key = 'mql:' || activities.mql_id
)

select
    coalesce(members.lead_id, email_keys.lead_id, visits.lead_id) as lead_id,
    facts.occurred_at,
    greatest(facts.known_at, coalesce(members.known_from, email_keys.known_from, visits.known_from)) as known_at,
    facts.left_out_from as known_until,
    facts.trial_feature,
    cast(facts.kinds as integer) as kinds,
    coalesce(facts.minutes, 0) as minutes
from facts
left join members on facts.record_key = members.record_key
left join email_keys on members.lead_id is null and lower(facts.email) = email_keys.email
left join visits on facts.visitor_id = visits.visitor_id and facts.occurred_at = visits.occurred_at
where coalesce(members.lead_id, email_keys.lead_id, visits.lead_id) is not null
    and (
        facts.left_out_from is null
        or facts.left_out_from > greatest(
            facts.occurred_at,
            facts.known_at,
            coalesce(members.known_from, email_keys.known_from, visits.known_from)
        )
    )
    {{ and_touched('coalesce(members.lead_id, email_keys.lead_id, visits.lead_id)') }}
