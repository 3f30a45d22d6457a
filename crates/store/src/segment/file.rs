//! Writes columns as one Parquet file and reads single columns back.
//!
//! One row group a file, because a segment is small; pages of 8,192 rows with an index of their places, so that a
//! reader of few rows reads few pages. What a file is called and whether its bytes are whole is not looked at here.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};

use super::chunk::LEVEL;
use super::column::Column;
use super::words::{Kind, PAGE_ROWS, Words};

/// A failure of the file format as one of the disk: the content is not what it should be.
fn invalid(error: ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Identifiers hardly repeat: a dictionary of them is built in vain and thrown away.
const IDENTIFIERS: [&str; 3] = ["TraceId", "SpanId", "ParentSpanId"];
/// Numbers that are near their neighbours.
const NEAR: [&str; 5] = ["Timestamp", "EndTime", "Duration", "StartTimeUnix", "TimeUnix"];

/// What readers narrow by. Bounds of the others, attributes above all, would cost more than the rest of the writing.
const BOUNDED: [&str; 5] = ["Timestamp", "TimeUnix", "ServiceName", "SpanName", "MetricName"];

fn properties() -> Result<WriterPropertiesPtr, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by("firstcause".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None);
    for name in BOUNDED {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    for name in NEAR {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(Arc::new(builder.build()))
}

/// The columns of a file that is being written. Only the one that is being filled is in memory.
pub(super) struct Columns<'g, 'w> {
    group: &'g mut SerializedRowGroupWriter<'w, Vec<u8>>,
    /// Those that come.
    rest: std::vec::IntoIter<ColumnDescPtr>,
}

impl Columns<'_, '_> {
    /// The next column, of texts.
    pub(super) fn text<'t>(&mut self, fill: impl FnOnce(&mut Words<'t>)) -> io::Result<()> {
        self.texts(|[words]| fill(words))
    }

    /// The next columns, of texts, filled together.
    pub(super) fn texts<'t, const N: usize>(
        &mut self,
        fill: impl FnOnce(&mut [Words<'t>; N]),
    ) -> io::Result<()> {
        let of: Vec<ColumnDescPtr> = self.rest.by_ref().take(N).collect();
        let columns: Vec<Words<'t>> = of.iter().map(|of| Words::new(kind(of)?)).collect::<io::Result<_>>()?;
        let mut columns: [Words<'t>; N] = columns.try_into().map_err(|_| invalid(beyond_schema()))?;
        fill(&mut columns);
        for (words, of) in columns.into_iter().zip(of) {
            let (bytes, close) = words.end()?.end(of).map_err(invalid)?;
            self.group.append_column(&bytes, close).map_err(invalid)?;
        }
        Ok(())
    }

    /// The next column, of whole numbers or times.
    pub(super) fn int(&mut self, fill: impl FnOnce(&mut Column<i64>)) -> io::Result<()> {
        self.put::<Int64Type>(fill)
    }

    /// The next column, of floating-point numbers.
    pub(super) fn double(&mut self, fill: impl FnOnce(&mut Column<f64>)) -> io::Result<()> {
        self.put::<DoubleType>(fill)
    }

    fn put<T: DataType>(&mut self, fill: impl FnOnce(&mut Column<T::T>)) -> io::Result<()> {
        let mut of = Column::default();
        fill(&mut of);
        self.next(|column| column.typed::<T>().write_batch(&of.values, of.defined(), of.repeated()))
            .map_err(invalid)
    }

    fn next(
        &mut self,
        write: impl FnOnce(&mut SerializedColumnWriter<'_>) -> Result<usize, ParquetError>,
    ) -> Result<(), ParquetError> {
        let mut column = self.group.next_column()?.ok_or_else(beyond_schema)?;
        self.rest.next();
        write(&mut column)?;
        column.close()
    }
}

fn kind(of: &ColumnDescPtr) -> io::Result<Kind> {
    let is_among = |names: &[&str]| names.contains(&of.path().string().as_str());
    Ok(Kind {
        depth: u8::try_from(of.max_rep_level()).map_err(io::Error::other)?,
        is_plain: is_among(&IDENTIFIERS),
        is_bounded: is_among(&BOUNDED),
    })
}

fn beyond_schema() -> ParquetError {
    ParquetError::General("more columns than the schema has".to_owned())
}

/// The bytes of a file of `schema`, whose columns `put` fills in their order.
pub(super) fn write(
    schema: &str,
    put: impl FnOnce(&mut Columns<'_, '_>) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(schema).map_err(invalid)?);
    let properties = properties().map_err(invalid)?;
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).map_err(invalid)?;
    let rest = writer.schema_descr().columns().to_vec().into_iter();
    let mut group = writer.next_row_group().map_err(invalid)?;
    put(&mut Columns { group: &mut group, rest })?;
    group.close().map_err(invalid)?;
    writer.into_inner().map_err(invalid)
}

impl<T> Column<T> {
    fn defined(&self) -> Option<&[i16]> {
        (!self.defined.is_empty()).then_some(self.defined.as_slice())
    }

    fn repeated(&self) -> Option<&[i16]> {
        (!self.repeated.is_empty()).then_some(self.repeated.as_slice())
    }
}

/// A file that is read.
pub(super) struct File {
    reader: SerializedFileReader<Bytes>,
}

impl File {
    /// Opens the file whose bytes these are.
    pub(super) fn open(bytes: Vec<u8>) -> io::Result<Self> {
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let reader = SerializedFileReader::new_with_options(Bytes::from(bytes), options);
        Ok(Self { reader: reader.map_err(invalid)? })
    }

    /// Rows in it.
    pub(super) fn rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// All rows.
    pub(super) fn whole(&self) -> Part<'_> {
        Part { file: self, ranges: std::iter::once(0..self.rows()).collect() }
    }

    /// Some rows, by rising number.
    pub(super) fn part(&self, rows: &[usize]) -> Part<'_> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for row in rows {
            match ranges.last_mut() {
                Some(range) if range.end == *row => range.end += 1,
                _ => ranges.push(*row..row + 1),
            }
        }
        Part { file: self, ranges }
    }
}

/// Some rows of a file. Pages that hold none of them are not unpacked.
pub(super) struct Part<'f> {
    file: &'f File,
    ranges: Vec<Range<usize>>,
}

impl Part<'_> {
    /// The column of texts at `path`.
    pub(super) fn text(&self, path: &str) -> io::Result<Column<ByteArray>> {
        self.column::<ByteArrayType>(path).map_err(invalid)
    }

    /// The column of whole numbers at `path`.
    pub(super) fn int(&self, path: &str) -> io::Result<Column<i64>> {
        self.column::<Int64Type>(path).map_err(invalid)
    }

    /// The column of floating-point numbers at `path`.
    pub(super) fn double(&self, path: &str) -> io::Result<Column<f64>> {
        self.column::<DoubleType>(path).map_err(invalid)
    }

    fn column<T: DataType>(&self, path: &str) -> Result<Column<T::T>, ParquetError> {
        let reader = &self.file.reader;
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        let index = columns
            .iter()
            .position(|column| {
                column.path().string() == path && column.physical_type() == T::get_physical_type()
            })
            .ok_or_else(|| ParquetError::General(format!("no column `{path}` of its type")))?;
        if reader.num_row_groups() != 1 {
            return Err(ParquetError::General("not one row group".to_owned()));
        }
        let mut of = get_typed_column_reader::<T>(reader.get_row_group(0)?.get_column_reader(index)?);
        let Column { mut values, mut defined, mut repeated } = Column::default();
        let mut at = 0;
        for range in &self.ranges {
            of.skip_records(range.start - at)?;
            at = range.start;
            while at < range.end {
                let (records, ..) =
                    of.read_records(range.end - at, Some(&mut defined), Some(&mut repeated), &mut values)?;
                if records == 0 {
                    return Err(ParquetError::General(format!("column `{path}` ends at row {at}")));
                }
                at += records;
            }
        }
        Ok(Column { values, defined, repeated })
    }
}

#[cfg(test)]
impl File {
    /// The least and the greatest text of each page of a column, where they are told.
    pub(super) fn bounds(&self, column: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        use parquet::file::page_index::column_index::ColumnIndexMetaData;
        let index = self.reader.metadata().page_index().unwrap();
        let Some(ColumnIndexMetaData::BYTE_ARRAY(of)) = index.column_index(0, column) else {
            return Vec::new();
        };
        let pairs = of.min_values_iter().zip(of.max_values_iter());
        pairs.map(|(least, greatest)| (least.unwrap().to_vec(), greatest.unwrap().to_vec())).collect()
    }
}
