-- Which devices papers use, how many papers evaluate on each, and how many mean to run on it.
-- Example: extractor query claims --name devices
SELECT
  category,
  mode(name) AS device,
  count(DISTINCT document) FILTER (role = 'evaluated') AS evaluated,
  count(DISTINCT document) FILTER (role = 'intended') AS intended
FROM hardware
GROUP BY category, hardware_key
ORDER BY evaluated DESC, intended DESC, category, device
