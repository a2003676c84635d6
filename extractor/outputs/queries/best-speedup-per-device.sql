-- The largest speedup for each class of device, with baseline and sentence.
-- A claim that names no device counts for the devices on which its paper was evaluated, where they are of one class.
-- Example: extractor query claims --name best-speedup-per-device
WITH evaluated AS (
  SELECT job, document, min(category) AS category, string_agg(DISTINCT name, ', ' ORDER BY name) AS devices
  FROM hardware
  WHERE role = 'evaluated'
  GROUP BY job, document
  HAVING count(DISTINCT category) = 1
),
speedups AS (
  SELECT c.*, coalesce(c.hardware_category, e.category) AS classes, coalesce(c.hardware, e.devices) AS device
  FROM claims c LEFT JOIN evaluated e USING (job, document)
  WHERE c.kind = 'speedup' AND c.factor > 1
),
each_category AS (
  SELECT *, unnest(string_split(classes, '; ')) AS category FROM speedups
)
SELECT
  category,
  round(factor, 2) AS times,
  quantity,
  metric,
  subject,
  baseline,
  device,
  document,
  sentence
FROM each_category
QUALIFY row_number() OVER (PARTITION BY category ORDER BY factor DESC, document, claim) = 1
ORDER BY factor DESC, category
