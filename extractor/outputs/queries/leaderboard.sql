-- For each dataset and metric, who reports what, each cell with its sentence.
-- Only datasets on which two papers or more report the metric; the order within one is that of the values, not of merit.
-- Example: extractor query claims --name leaderboard
WITH results AS (
  SELECT *
  FROM claims
  WHERE comparison = 'absolute' AND dataset_key IS NOT NULL AND metric_key IS NOT NULL AND subject IS NOT NULL
)
SELECT dataset, metric, subject, quantity, value, base_unit, document, sentence
FROM results
QUALIFY count(DISTINCT document) OVER (PARTITION BY dataset_key, metric_key) > 1
ORDER BY dataset_key, metric_key, value DESC, document, claim
