//! Reading and writing the plain files of an evaluation: CSV row by row, JSON as a whole.
//!
//! Nothing is synced: what is staged can be staged again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system says no.
    #[error("failed to open, read or write `{path}`")]
    Io {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no CSV, or a row is broken.
    #[error("failed to read `{path}` as CSV")]
    Csv {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// It is no JSON, or not of the form expected.
    #[error("failed to read `{path}` as the JSON expected")]
    Json {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It does not say what it must.
    #[error("failed to use `{path}`: {what}")]
    Content {
        /// Which.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

impl FileError {
    pub(crate) fn content(path: &Path, what: impl Into<String>) -> Self {
        Self::Content { path: path.display().to_string(), what: what.into() }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    fn csv(path: &Path, source: csv::Error) -> Self {
        Self::Csv { path: path.display().to_string(), source }
    }

    fn json(path: &Path, source: serde_json::Error) -> Self {
        Self::Json { path: path.display().to_string(), source }
    }
}

/// A CSV file that is read row by row; only one row is held.
pub struct CsvRows {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    columns: BTreeMap<String, usize>,
    row: csv::StringRecord,
}

impl std::fmt::Debug for CsvRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvRows").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Where a column stands.
#[derive(Debug, Clone, Copy)]
pub struct Column(usize);

impl CsvRows {
    /// Opens a file whose first row names the columns.
    ///
    /// # Errors
    /// When it cannot be opened or its first row cannot be read.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(|error| FileError::io(path, error))?;
        Self::over(path, Box::new(BufReader::new(file)))
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// When its first row cannot be read.
    pub(crate) fn of_bytes(name: &str, content: Vec<u8>) -> Result<Self, FileError> {
        Self::over(Path::new(name), Box::new(std::io::Cursor::new(content)))
    }

    fn over(path: &Path, content: Box<dyn Read>) -> Result<Self, FileError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(content);
        let headers = reader.headers().map_err(|error| FileError::csv(path, error))?;
        let columns = headers.iter().enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect();
        Ok(Self { path: path.to_owned(), reader, columns, row: csv::StringRecord::new() })
    }

    /// Which file it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the columns, sorted, and where each stands.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Column)> {
        self.columns.iter().map(|(name, at)| (name.as_str(), Column(*at)))
    }

    /// The columns in their order after the first one, names that stand twice included.
    ///
    /// # Errors
    /// When the first row cannot be read.
    pub fn positions(&mut self) -> Result<Vec<(String, Column)>, FileError> {
        let headers = self.reader.headers().map_err(|error| FileError::csv(&self.path, error))?;
        Ok(headers
            .iter()
            .enumerate()
            .skip(1)
            .map(|(at, name)| (name.trim().to_owned(), Column(at)))
            .collect())
    }

    /// The column of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn column(&self, name: &str) -> Result<Column, FileError> {
        let missing = || FileError::content(&self.path, format!("there is no column `{name}`"));
        self.columns.get(name).map(|at| Column(*at)).ok_or_else(missing)
    }

    /// The next row, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn advance(&mut self) -> Result<Option<Row<'_>>, FileError> {
        let is_there =
            self.reader.read_record(&mut self.row).map_err(|error| FileError::csv(&self.path, error))?;
        Ok(is_there.then_some(Row { row: &self.row, path: &self.path }))
    }

    /// The next row that is text, if there is one; those before it that are not are counted in `unreadable`.
    ///
    /// # Errors
    /// When it cannot be read for another reason.
    pub fn advance_past_bad_text(&mut self, unreadable: &mut u64) -> Result<Option<Row<'_>>, FileError> {
        let is_there = loop {
            match self.reader.read_record(&mut self.row) {
                Ok(is_there) => break is_there,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => *unreadable += 1,
                Err(error) => return Err(FileError::csv(&self.path, error)),
            }
        };
        Ok(is_there.then_some(Row { row: &self.row, path: &self.path }))
    }
}

/// One row of a CSV file.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    row: &'a csv::StringRecord,
    path: &'a Path,
}

impl<'a> Row<'a> {
    /// The text of a column, empty when the row is too short.
    #[must_use]
    pub fn text(&self, column: Column) -> &'a str {
        self.row.get(column.0).unwrap_or_default()
    }

    /// The whole number of a column.
    ///
    /// # Errors
    /// When it is none.
    pub fn whole(&self, column: Column) -> Result<i64, FileError> {
        let text = self.text(column);
        text.trim().parse().map_err(|_| {
            let line = self.row.position().map_or(0, csv::Position::line);
            FileError::content(self.path, format!("`{text}` in line {line} is no whole number"))
        })
    }

    /// The number of a column, when it is one.
    #[must_use]
    pub fn number(&self, column: Column) -> Option<f64> {
        self.text(column).trim().parse().ok().filter(|value: &f64| value.is_finite())
    }
}

/// Creates a file.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn create(path: &Path) -> Result<BufWriter<File>, FileError> {
    let opened = File::options().write(true).create(true).truncate(true).open(path);
    opened.map(BufWriter::new).map_err(|error| FileError::io(path, error))
}

/// A CSV file that is written row by row.
pub(crate) struct CsvOut {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl CsvOut {
    pub(crate) fn create(path: &Path, columns: &[&str]) -> Result<Self, FileError> {
        let mut out = Self { path: path.to_owned(), writer: csv::Writer::from_writer(create(path)?) };
        out.row(columns)?;
        Ok(out)
    }

    pub(crate) fn row(&mut self, fields: &[&str]) -> Result<(), FileError> {
        self.writer.write_record(fields).map_err(|error| FileError::csv(&self.path, error))
    }

    pub(crate) fn finish(mut self) -> Result<(), FileError> {
        self.writer.flush().map_err(|error| FileError::io(&self.path, error))
    }
}

/// Reads a JSON file.
///
/// # Errors
/// When it cannot be read or is not of this form.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let bytes = std::fs::read(path).map_err(|error| FileError::io(path, error))?;
    json_of(path, &bytes)
}

/// Reads the content of the JSON file `path`.
///
/// # Errors
/// When it is not of this form.
pub(crate) fn json_of<T: DeserializeOwned>(path: &Path, content: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(content).map_err(|error| FileError::json(path, error))
}

/// Writes a JSON file.
///
/// # Errors
/// When it cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let mut out = create(path)?;
    serde_json::to_writer_pretty(&mut out, value).map_err(|error| FileError::json(path, error))?;
    out.flush().map_err(|error| FileError::io(path, error))
}

/// Writes a file of text.
///
/// # Errors
/// When it cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    write_bytes(path, text.as_bytes())
}

/// Writes a file of bytes.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_bytes(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut out = create(path)?;
    let written = out.write_all(content).and_then(|()| out.flush());
    written.map_err(|error| FileError::io(path, error))
}

/// Creates a folder and those above it.
///
/// # Errors
/// When the operating system refuses.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|error| FileError::io(path, error))
}

/// The names in a folder, sorted.
///
/// # Errors
/// When it cannot be read.
pub fn list(path: &Path) -> Result<Vec<String>, FileError> {
    let entries = std::fs::read_dir(path).map_err(|error| FileError::io(path, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| FileError::io(path, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
