-- The data of the shop: 200 accounts with 80 items each, indexed as the healthy queries need it.
CREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL, credit int NOT NULL);
CREATE TABLE items (id int PRIMARY KEY, account_id int NOT NULL, name text NOT NULL);
CREATE TABLE prices (item_id int PRIMARY KEY, cents int NOT NULL);
INSERT INTO accounts SELECT n, 'account ' || n, n * 10 FROM generate_series(0, 199) n;
INSERT INTO items SELECT n, n % 200, 'item ' || n FROM generate_series(0, 15999) n;
INSERT INTO prices SELECT n, 100 + n % 900 FROM generate_series(0, 15999) n;
CREATE INDEX items_account ON items (account_id);
ANALYZE;
