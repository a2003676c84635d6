-- One system, metric and dataset, and other values in another sentence or paper: what to check before it is cited.
-- Only systems and datasets with a name: "our method" and "the test set" are others in each paper.
-- Example: extractor query claims --name conflicts
WITH results AS (
  SELECT
    *,
    concat_ws('|', subject_key, metric_key, dataset_key, hardware_key, coalesce(base_unit, ''), comparison, effect, lower(baseline)) AS what
  FROM claims
  WHERE metric_key IS NOT NULL
    AND regexp_matches(subject, '[A-Z0-9]')
    AND regexp_matches(dataset, '[A-Z0-9]')
    AND (comparison = 'absolute' OR baseline IS NOT NULL)
    -- the 48.9% of "from 48.9% to 99.2%" is the value before
    AND NOT regexp_matches(left(sentence, quantity_start - sentence_start), '(?i)\b(from|vs\.?|versus)[\s$({]*$')
),
places AS ( -- what one sentence lists is no conflict
  SELECT what, list_sort(list(DISTINCT (value_low, value))) AS said
  FROM results
  GROUP BY what, job, document, sentence_start
)
SELECT subject, metric, dataset, hardware, quantity, document, sentence
FROM results
WHERE what IN (SELECT what FROM places GROUP BY what HAVING count(DISTINCT said) > 1)
ORDER BY subject_key, metric_key, dataset_key, hardware_key, value, document, claim
