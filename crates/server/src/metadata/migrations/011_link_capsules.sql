-- What links into sealed spaces show: made by the devices that gave them out.
CREATE TABLE link_capsules (
  link BLOB NOT NULL,
  log INTEGER NOT NULL,
  directory BLOB NOT NULL,             -- empty: the linked node itself
  part INTEGER NOT NULL,
  nodes BLOB NOT NULL,                 -- ids, one after the other
  seal BLOB NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (link, directory, part)
) STRICT, WITHOUT ROWID;
