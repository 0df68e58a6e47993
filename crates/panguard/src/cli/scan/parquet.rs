//! Parquet files, column by column.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::name::Name;
use super::rows::{Rows, real};
use super::scanner::Scanner;

/// Looks into every column of that file.
///
/// # Errors
/// If it has no footer that can be read; then nothing has been looked at.
pub fn scan_file(scanner: &mut Scanner<'_>, name: &Name, file: File, depth: usize) -> io::Result<()> {
    let length = file.metadata()?.len();
    scanner.budget.add(length);
    let file = SerializedFileReader::new(At { file: Arc::new(file), at: 0, length });
    columns(scanner, name, &file.map_err(io::Error::other)?, depth);
    Ok(())
}

/// Looks into every column of a file that is held in memory.
///
/// # Errors
/// If it has no footer that can be read; then nothing has been looked at.
pub fn scan_held(scanner: &mut Scanner<'_>, name: &Name, file: Bytes, depth: usize) -> io::Result<()> {
    scanner.budget.add(file.len() as u64);
    let file = SerializedFileReader::new(file).map_err(io::Error::other)?;
    columns(scanner, name, &file, depth);
    Ok(())
}

fn columns(scanner: &mut Scanner<'_>, name: &Name, file: &dyn FileReader, depth: usize) {
    let metadata = file.metadata().file_metadata();
    for entry in metadata.key_value_metadata().into_iter().flatten() {
        let text = format!("{}: {}", entry.key, entry.value.as_deref().unwrap_or_default());
        // Memory does not fail to be read.
        _ = scanner.text(&name.within(b"(metadata)"), &mut text.as_bytes());
    }
    let descriptors = metadata.schema_descr().columns();
    let names: Vec<Vec<u8>> = descriptors.iter().map(|it| it.path().string().into_bytes()).collect();
    let mut passed = 0;
    for group in 0..file.num_row_groups() {
        let mut table = Rows::new(scanner, name, b"", &names, depth);
        for (index, (descriptor, column)) in descriptors.iter().zip(&names).enumerate() {
            let place = Column { descriptor, index, passed };
            let read = file.get_row_group(group).and_then(|group| group.get_column_reader(index));
            let read = read.and_then(|reader| place.scan(scanner, &mut table, reader));
            table.end(scanner);
            if let Err(error) = read {
                scanner.unread(&name.within(column), &error);
            }
        }
        passed += file.metadata().row_group(group).num_rows().max(0).cast_unsigned();
    }
}

/// A column in one group of rows.
struct Column<'a> {
    descriptor: &'a ColumnDescriptor,
    index: usize,
    /// How many rows the groups before have.
    passed: u64,
}

impl Column<'_> {
    fn scan(&self, scanner: &mut Scanner<'_>, table: &mut Rows, reader: ColumnReader) -> Result<()> {
        match reader {
            ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => Ok(()),
            ColumnReader::Int32ColumnReader(it) => {
                self.values(scanner, table, it, |value| self.integer((*value).into()))
            }
            ColumnReader::Int64ColumnReader(it) => {
                self.values(scanner, table, it, |value| self.integer((*value).into()))
            }
            ColumnReader::FloatColumnReader(it) => {
                self.values(scanner, table, it, |value| real((*value).into()).into())
            }
            ColumnReader::DoubleColumnReader(it) => {
                self.values(scanner, table, it, |value| real(*value).into())
            }
            ColumnReader::ByteArrayColumnReader(it) => {
                self.values(scanner, table, it, |value| self.bytes(value.as_ref()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(it) => {
                self.values(scanner, table, it, |value| self.bytes(value.as_ref()))
            }
        }
    }

    fn values<T: DataType>(
        &self,
        scanner: &mut Scanner<'_>,
        table: &mut Rows,
        mut reader: ColumnReaderImpl<T>,
        text: impl Fn(&T::T) -> Bytes,
    ) -> Result<()> {
        let (defined, repeats) = (self.descriptor.max_def_level(), self.descriptor.max_rep_level() > 0);
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = self.passed;
        loop {
            definitions.clear();
            repetitions.clear();
            values.clear();
            let (definitions_to, repetitions_to) = (Some(&mut definitions), Some(&mut repetitions));
            let (records, _, levels) =
                reader.read_records(ROWS_AT_ONCE, definitions_to, repetitions_to, &mut values)?;
            if records == 0 {
                return Ok(());
            }
            let mut values = values.iter();
            for level in 0..levels {
                // A value with a level of repetition goes on with the list of the row before.
                row += u64::from(!repeats || repetitions.get(level) == Some(&0));
                if (defined == 0 || definitions.get(level) == Some(&defined))
                    && let Some(value) = values.next()
                {
                    table.value(scanner, row, self.index, &text(value))?;
                }
            }
            table.end_row(scanner);
        }
    }

    fn integer(&self, value: i128) -> Bytes {
        let digits = value.to_string();
        match self.scale() {
            Some(scale @ 1..) if digits.len() > scale => {
                let (whole, part) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
                format!("{whole}.{part}").into()
            }
            _ => digits.into(),
        }
    }

    /// Bytes as they are, except where they are a whole number, most significant byte first.
    fn bytes(&self, bytes: &[u8]) -> Bytes {
        if self.scale().is_none() || bytes.is_empty() || bytes.len() > 16 {
            return Bytes::copy_from_slice(bytes);
        }
        let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
        self.integer(bytes.iter().fold(sign, |number: i128, byte| (number << 8) | i128::from(*byte)))
    }

    /// How many of a decimal's digits stand behind its point; `None` when it is no decimal.
    fn scale(&self) -> Option<usize> {
        let logical = matches!(self.descriptor.logical_type_ref(), Some(LogicalType::Decimal { .. }));
        let decimal = logical || self.descriptor.converted_type() == ConvertedType::DECIMAL;
        decimal.then(|| usize::try_from(self.descriptor.type_scale()).unwrap_or_default())
    }
}

/// A file that is read at places of one's own. What is asked for beyond its end is refused before there is
/// memory for it: the places stand in the file, and may be anything.
struct At {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for At {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for At {
    type T = BufReader<Self>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(Self { file: self.file.clone(), at: start, length: self.length }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("a part of it would be behind its end".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

const ROWS_AT_ONCE: usize = 1024;
