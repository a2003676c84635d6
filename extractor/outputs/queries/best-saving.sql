-- The largest saving of each resource (memory, energy, parameters, ...), as times less.
-- Example: extractor query claims --name best-saving
SELECT metric, round(factor, 2) AS times, quantity, subject, baseline, hardware, document, sentence
FROM claims
WHERE kind = 'resource' AND factor > 1 AND metric_key IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY metric_key ORDER BY factor DESC, document, claim) = 1
ORDER BY factor DESC, metric_key
