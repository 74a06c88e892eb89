-- What links into sealed spaces show counts for the space.
UPDATE logs SET stored_bytes = stored_bytes + (
  SELECT CAST(COALESCE(SUM(LENGTH(nodes) + LENGTH(seal) + LENGTH(sealed)), 0) AS BIGINT)
  FROM link_capsules WHERE link_capsules.log = logs.no
) WHERE kind = 0;
CREATE INDEX link_capsules_by_log ON link_capsules (log);
