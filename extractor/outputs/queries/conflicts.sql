-- One system, metric and dataset, and different values: what to check before it is cited.
-- Example: extractor query claims --name conflicts
WITH results AS (
  SELECT
    *,
    concat_ws('|', subject_key, metric_key, dataset_key, hardware_key, coalesce(base_unit, ''), comparison, effect, lower(baseline)) AS what
  FROM claims
  WHERE subject_key IS NOT NULL AND metric_key IS NOT NULL AND dataset_key IS NOT NULL
)
SELECT subject, metric, dataset, hardware, quantity, document, sentence
FROM results
QUALIFY count(DISTINCT (value_low, value)) OVER (PARTITION BY what) > 1
ORDER BY subject_key, metric_key, dataset_key, hardware_key, value, document, claim
