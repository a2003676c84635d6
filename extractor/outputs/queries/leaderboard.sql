-- For each dataset and metric, who reports what, each cell with its sentence.
-- Only datasets with a name on which two papers or more report the metric; the order within one is that of the values, not of merit.
-- Example: extractor query claims --name leaderboard
WITH results AS (
  SELECT *
  FROM claims
  WHERE comparison = 'absolute'
    AND metric_key IS NOT NULL
    AND subject IS NOT NULL
    AND regexp_matches(dataset, '[A-Z0-9]')
    -- the 48.9% of "from 48.9% to 99.2%" is the value before
    AND NOT regexp_matches(left(sentence, quantity_start - sentence_start), '(?i)\b(from|vs\.?|versus)[\s$({]*$')
)
SELECT dataset, metric, subject, quantity, value, base_unit, document, sentence
FROM results
QUALIFY count(DISTINCT (job, document)) OVER (PARTITION BY dataset_key, metric_key) > 1
ORDER BY dataset_key, metric_key, value DESC, document, claim
