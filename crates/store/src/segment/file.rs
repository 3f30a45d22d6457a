//! Writes columns as one Parquet file and reads single columns back.
//!
//! One row group a file, because a segment is small; pages of 8,192 rows with an index of their places, so that a
//! reader of few rows reads few pages. What a file is called and whether its bytes are whole is not looked at here.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::column::Column;

/// Rows of a page: `performance.md` asks for single rows within a millisecond.
const PAGE_ROWS: usize = 8_192;

/// The columns of a file, in the order of its schema.
#[derive(Debug)]
pub(super) enum Leaf<'a> {
    /// Texts and bytes.
    Text(&'a Column<ByteArray>),
    /// Whole numbers and times.
    Int(&'a Column<i64>),
    /// Floating-point numbers.
    Double(&'a Column<f64>),
}

/// A failure of the file format as one of the disk: the content is not what it should be.
fn invalid(error: ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Identifiers hardly repeat: a dictionary of them is built in vain and thrown away.
const IDENTIFIERS: [&str; 4] = ["TraceId", "SpanId", "ParentSpanId", "Sketch"];
/// Numbers that are near their neighbours.
const NEAR: [&str; 5] = ["Timestamp", "EndTime", "Duration", "StartTimeUnix", "TimeUnix"];

/// What readers narrow by. Bounds of the others, attributes above all, would cost more than the rest of the writing.
const BOUNDED: [&str; 5] = ["Timestamp", "TimeUnix", "ServiceName", "SpanName", "MetricName"];

fn properties() -> Result<WriterPropertiesPtr, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_created_by("firstcause".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None);
    for name in BOUNDED {
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    for name in IDENTIFIERS {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), false);
    }
    for name in NEAR {
        builder = builder
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(Arc::new(builder.build()))
}

/// The bytes of a file of `leaves`, which are those of `schema`, a Parquet message type.
pub(super) fn write(schema: &str, leaves: &[Leaf<'_>]) -> io::Result<Vec<u8>> {
    written(schema, leaves).map_err(invalid)
}

fn written(schema: &str, leaves: &[Leaf<'_>]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(schema)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties()?)?;
    let mut group = writer.next_row_group()?;
    for leaf in leaves {
        let mut column = group
            .next_column()?
            .ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
        match leaf {
            Leaf::Text(of) => {
                column.typed::<ByteArrayType>().write_batch(&of.values, of.defined(), of.repeated())
            }
            Leaf::Int(of) => column.typed::<Int64Type>().write_batch(&of.values, of.defined(), of.repeated()),
            Leaf::Double(of) => {
                column.typed::<DoubleType>().write_batch(&of.values, of.defined(), of.repeated())
            }
        }?;
        column.close()?;
    }
    group.close()?;
    writer.into_inner()
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
        Ok(Self { reader: SerializedFileReader::new(Bytes::from(bytes)).map_err(invalid)? })
    }

    /// Rows in it.
    pub(super) fn rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The column of texts at `path`.
    pub(super) fn text(&self, path: &str) -> io::Result<Column<ByteArray>> {
        self.read::<ByteArrayType>(path)
    }

    /// The column of whole numbers at `path`.
    pub(super) fn int(&self, path: &str) -> io::Result<Column<i64>> {
        self.read::<Int64Type>(path)
    }

    /// The column of floating-point numbers at `path`.
    pub(super) fn double(&self, path: &str) -> io::Result<Column<f64>> {
        self.read::<DoubleType>(path)
    }

    fn read<T: DataType>(&self, path: &str) -> io::Result<Column<T::T>> {
        self.column::<T>(path).map_err(invalid)
    }

    fn column<T: DataType>(&self, path: &str) -> Result<Column<T::T>, ParquetError> {
        let columns = self.reader.metadata().file_metadata().schema_descr().columns();
        let index = columns
            .iter()
            .position(|column| {
                column.path().string() == path && column.physical_type() == T::get_physical_type()
            })
            .ok_or_else(|| ParquetError::General(format!("no column `{path}` of its type")))?;
        let mut column = Column::default();
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group)?;
            let mut reader = get_typed_column_reader::<T>(group.get_column_reader(index)?);
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let Column { values, defined, repeated } = &mut column;
            while reader.read_records(rows, Some(defined), Some(repeated), values)?.1 > 0 {}
        }
        Ok(column)
    }
}
