//! Pages of texts as a chunk of a Parquet file: levels, numbers or texts, packed, with an index of their places.
//!
//! The form is the specification's ("Data Pages", version 1): the library writes the headers and the footer, and takes
//! the chunk as it is. Which texts a page holds is decided in [`super::words`].

use std::io;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::hybrid;

/// The level of Zstandard: what follows from a good encoding, fast.
pub(super) const LEVEL: i32 = 1;

/// Packs pages.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { zstd: zstd::bulk::Compressor::new(LEVEL)?, raw: Vec::new() })
    }
}

/// What a page holds.
pub(super) struct Body<'a> {
    pub(super) rows: usize,
    /// Texts, and lists without any.
    pub(super) values: usize,
    pub(super) depth: u8,
    pub(super) repeated: &'a [u8],
    pub(super) defined: &'a [u8],
    /// Numbers of the dictionary; without them `texts` stand for themselves.
    pub(super) codes: Option<&'a Vec<u32>>,
    pub(super) texts: &'a [u8],
    /// The least and the greatest of its texts.
    pub(super) bounds: Option<(&'a [u8], &'a [u8])>,
}

impl Body<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        if self.depth > 0 {
            let width = hybrid::width(u32::from(self.depth));
            for levels in [self.repeated, self.defined] {
                let begin = out.len();
                out.extend_from_slice(&[0; 4]);
                hybrid::encode(levels, width, out);
                let len = (out.len() - begin - 4) as u32;
                if let Some(place) = out.get_mut(begin..begin + 4) {
                    place.copy_from_slice(&len.to_le_bytes());
                }
            }
        }
        match self.codes {
            Some(codes) => {
                let width = hybrid::width(codes.iter().copied().max().unwrap_or_default());
                out.push(width);
                hybrid::encode(codes, width, out);
            }
            None => out.extend_from_slice(self.texts),
        }
    }
}

/// The packed pages of a column.
#[derive(Default)]
pub(super) struct Chunk {
    dictionary: Option<CompressedPage>,
    pages: Vec<(CompressedPage, usize)>,
    bounds: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Chunk {
    /// Packs a page and adds it.
    pub(super) fn add(&mut self, packer: &mut Packer, body: &Body<'_>) -> io::Result<()> {
        body.encode(&mut packer.raw);
        let page = Page::DataPage {
            buf: Bytes::from(packer.zstd.compress(&packer.raw)?),
            num_values: number(body.values)?,
            encoding: if body.codes.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN },
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.pages.push((CompressedPage::new(page, packer.raw.len()), body.rows));
        self.bounds.extend(body.bounds.map(|(least, greatest)| (least.to_vec(), greatest.to_vec())));
        Ok(())
    }

    /// Packs the dictionary of the pages.
    pub(super) fn set_dictionary(&mut self, packer: &mut Packer, texts: &[u8], count: u32) -> io::Result<()> {
        let buf = Bytes::from(packer.zstd.compress(texts)?);
        let page =
            Page::DictionaryPage { buf, num_values: count, encoding: Encoding::PLAIN, is_sorted: false };
        self.dictionary = Some(CompressedPage::new(page, texts.len()));
        Ok(())
    }

    /// The bytes of the chunk, and what a file says of them.
    pub(super) fn end(self, of: ColumnDescPtr) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let mut sink = TrackedWrite::new(Vec::new());
        let mut writer = SerializedPageWriter::new(&mut sink);
        let (mut sizes, mut values, mut rows) = ((0, 0), 0, 0);
        let mut encodings = vec![Encoding::RLE];
        let mut put = |page: CompressedPage, sizes: &mut (i64, i64)| {
            encodings.push(page.encoding());
            let spec = writer.write_page(page)?;
            sizes.0 += spec.compressed_size as i64;
            sizes.1 += spec.uncompressed_size as i64;
            Ok::<_, ParquetError>((spec.offset as i64, spec.compressed_size))
        };
        let dictionary = self.dictionary.map(|page| put(page, &mut sizes)).transpose()?;
        let mut first = None;
        let mut places = OffsetIndexBuilder::new();
        for (page, rows_of) in self.pages {
            values += i64::from(page.num_values());
            rows += rows_of as u64;
            let (offset, bytes) = put(page, &mut sizes)?;
            first = first.or(Some(offset));
            places.append_row_count(rows_of as i64);
            places.append_offset_and_size(offset, i32::try_from(bytes).unwrap_or(i32::MAX));
        }
        encodings.sort_unstable();
        encodings.dedup();
        let metadata = ColumnChunkMetaData::builder(of)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings(encodings)
            .set_total_compressed_size(sizes.0)
            .set_total_uncompressed_size(sizes.1)
            .set_num_values(values)
            .set_data_page_offset(first.unwrap_or_default())
            .set_dictionary_page_offset(dictionary.map(|(offset, _)| offset))
            .build()?;
        let column_index = (!self.bounds.is_empty()).then(|| index(self.bounds)).transpose()?;
        let bytes = Bytes::from(sink.into_inner()?);
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows,
            metadata,
            bloom_filter: None,
            column_index,
            offset_index: Some(places.build()),
        };
        Ok((bytes, close))
    }
}

fn index(bounds: Vec<(Vec<u8>, Vec<u8>)>) -> Result<ColumnIndexMetaData, ParquetError> {
    let mut builder = ColumnIndexBuilder::new(Type::BYTE_ARRAY);
    let is_rising = bounds.is_sorted_by(|before, after| before.1 <= after.0);
    builder.set_boundary_order(if is_rising { BoundaryOrder::ASCENDING } else { BoundaryOrder::UNORDERED });
    bounds.into_iter().for_each(|(least, greatest)| builder.append(false, least, greatest, 0, None));
    builder.build()
}

fn number(count: usize) -> io::Result<u32> {
    u32::try_from(count).map_err(io::Error::other)
}
