-- The claims to look at first: those of the least confidence, where the labeller gives one.
-- Example: extractor query claims --name unsure --limit 20
SELECT confidence, quantity, kind, metric, subject, baseline, document, sentence
FROM claims
WHERE confidence IS NOT NULL
ORDER BY confidence, document, claim
