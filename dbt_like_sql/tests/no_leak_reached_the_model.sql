-- Features of the model in use that the leakage report keeps from models.
select
    card.model_version,
    report.feature,
    report.verdict,
    report.reason
from {{ source('scoring', 'model_card') }} as card
inner join {{ source('features', 'leakage_report') }} as report
    on report.is_kept_from_models
    and position(', ' || report.feature || ', ' in ', ' || card.feature_names || ', ') > 0
