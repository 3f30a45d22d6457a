//! The data of the demo: a table of orders grown until a missing index hurts, and a small table of stock.
//! It deliberately is generated inside SQLite, from the seed: the same seed gives the same rows.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use thiserror::Error;

/// Enough rows that a scan of them for one customer takes some tens of milliseconds.
pub(crate) const ORDERS: i64 = 1_000_000;
/// Customers `1..=CUSTOMERS` have orders.
pub(crate) const CUSTOMERS: u64 = 4_000;
/// Products `1..=PRODUCTS` are in stock.
pub(crate) const PRODUCTS: u64 = 20_000;
/// What a retention job leaves of the orders.
const RETAINED: i64 = 5_000;

/// Creates the index that the reads of a customer's orders need.
pub(crate) const CREATE_CUSTOMER_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS orders_customer_id ON orders (customer_id, placed_at);";
/// Drops it.
pub(crate) const DROP_CUSTOMER_INDEX: &str = "DROP INDEX IF EXISTS orders_customer_id;";

/// Data that cannot be created or pruned.
#[derive(Debug, Error)]
pub enum DataError {
    /// SQLite said no.
    #[error("cannot {action} `{path}`")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The system said no.
    #[error("cannot copy to `{path}`; hint: the demo needs about 200 MB of disk")]
    Copy {
        /// The copy.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Creates the orders once and copies them to the other replicas.
pub(crate) fn create_orders(replicas: &[PathBuf], seed: u64) -> Result<(), DataError> {
    // The multiplier is odd and the modulus prime, so customers and products are spread and not in order.
    let rows = format!(
        "CREATE TABLE orders (
             id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, product_id INTEGER NOT NULL,
             status TEXT NOT NULL, placed_at INTEGER NOT NULL);
         WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT {ORDERS})
         INSERT INTO orders
         SELECT id,
                (id * 48271 + {offset}) % 2147483647 % {CUSTOMERS} + 1,
                (id * 69621 + {offset}) % 2147483647 % {PRODUCTS} + 1,
                CASE WHEN id % 40 = 0 THEN 'open' ELSE 'shipped' END,
                1700000000000 + id * 40000
         FROM n;
         {CREATE_CUSTOMER_INDEX}",
        offset = seed % 1_000_003,
    );
    create(replicas, &rows)
}

/// Creates the stock once and copies it to the other replicas.
pub(crate) fn create_stock(replicas: &[PathBuf]) -> Result<(), DataError> {
    let rows = format!(
        "CREATE TABLE stock (
             product_id INTEGER PRIMARY KEY, level INTEGER NOT NULL, confirmed INTEGER NOT NULL);
         WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT {PRODUCTS})
         INSERT INTO stock SELECT id, 1000000, 0 FROM n;"
    );
    create(replicas, &rows)
}

/// Creates an empty queue of messages, in the mode that lets senders and consumers share it.
pub(crate) fn create_queue(path: &Path) -> Result<(), DataError> {
    let script = "PRAGMA journal_mode = WAL;
         CREATE TABLE messages (
             id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, traceparent TEXT NOT NULL,
             leased_until INTEGER NOT NULL);";
    let create = || Connection::open(path)?.execute_batch(script);
    create().map_err(|source| DataError::Sqlite { action: "create", path: path.to_owned(), source })
}

fn create(replicas: &[PathBuf], rows: &str) -> Result<(), DataError> {
    let Some((first, copies)) = replicas.split_first() else {
        return Ok(());
    };
    // A file that is being made needs no journal: an interrupted demo is made again.
    let script = format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
         BEGIN; {rows} COMMIT;"
    );
    let create = || Connection::open(first)?.execute_batch(&script);
    create().map_err(|source| DataError::Sqlite { action: "create", path: first.clone(), source })?;
    for copy in copies {
        std::fs::copy(first, copy).map_err(|source| DataError::Copy { path: copy.clone(), source })?;
    }
    Ok(())
}

/// Prunes the orders in `path` to the newest, as a retention job would: from outside, while the service runs.
/// With so few rows a scan is fast, whatever the configuration says.
pub(crate) fn prune_orders(path: &Path) -> Result<(), DataError> {
    // Keeping a copy and truncating writes a hundred pages where deleting the rest would write thousands.
    let script = format!(
        "PRAGMA busy_timeout = 2000;
         BEGIN IMMEDIATE;
         CREATE TEMP TABLE kept AS SELECT * FROM orders ORDER BY id DESC LIMIT {RETAINED};
         DELETE FROM orders;
         INSERT INTO orders SELECT * FROM kept ORDER BY id;
         COMMIT;"
    );
    let prune = || Connection::open(path)?.execute_batch(&script);
    prune().map_err(|source| DataError::Sqlite { action: "prune", path: path.to_owned(), source })
}

impl DataError {
    /// Whether another connection held the lock, so that the same may work a moment later.
    pub(crate) fn is_busy(&self) -> bool {
        let Self::Sqlite { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn plan_and_count(path: &Path) -> (String, i64) {
        let connection = Connection::open(path).unwrap();
        let query = "EXPLAIN QUERY PLAN SELECT status FROM orders WHERE customer_id = 7 ORDER BY placed_at DESC LIMIT 20";
        let plan = connection.query_row(query, [], |row| row.get::<_, String>(3)).unwrap();
        let count = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
        (plan, count)
    }

    #[test]
    fn orders_are_indexed_copied_and_can_be_pruned() {
        let directory = tempfile::tempdir().unwrap();
        let replicas = [directory.path().join("1.db"), directory.path().join("2.db")];
        let started = clock::monotonic();
        create_orders(&replicas, 7).unwrap();
        eprintln!("created in {:?}", started.elapsed());
        for replica in &replicas {
            let (plan, count) = plan_and_count(replica);
            assert!(plan.contains("USING INDEX orders_customer_id"), "{plan}");
            assert_eq!(count, ORDERS);
        }
        let started = clock::monotonic();
        prune_orders(&replicas[0]).unwrap();
        eprintln!("pruned in {:?}", started.elapsed());
        assert_eq!(plan_and_count(&replicas[0]).1, RETAINED);
        let connection = Connection::open(&replicas[0]).unwrap();
        let newest: i64 = connection.query_row("SELECT max(id) FROM orders", [], |row| row.get(0)).unwrap();
        assert_eq!(newest, ORDERS);
    }

    #[test]
    fn without_the_index_a_read_scans_the_table() {
        let directory = tempfile::tempdir().unwrap();
        let replicas = [directory.path().join("1.db")];
        create_orders(&replicas, 7).unwrap();
        let connection = Connection::open(&replicas[0]).unwrap();
        let read = || {
            let started = clock::monotonic();
            let query =
                "SELECT id, status FROM orders WHERE customer_id = 7 ORDER BY placed_at DESC LIMIT 20";
            let rows =
                connection.prepare(query).unwrap().query_map([], |row| row.get::<_, i64>(0)).unwrap().count();
            assert_eq!(rows, 20);
            started.elapsed()
        };
        read();
        let indexed = read();
        connection.execute_batch(DROP_CUSTOMER_INDEX).unwrap();
        read();
        let scanned = read();
        let started = clock::monotonic();
        connection.execute_batch(CREATE_CUSTOMER_INDEX).unwrap();
        eprintln!("indexed {indexed:?}, scanned {scanned:?}, index created in {:?}", started.elapsed());
        assert!(plan_and_count(&replicas[0]).0.contains("USING INDEX"));
        assert!(scanned > indexed * 10, "indexed {indexed:?}, scanned {scanned:?}");
    }
}
