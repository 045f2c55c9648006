//! Records as lines.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::form::{self, Form};
use super::value::{Column, Value};

/// Writes records until there are enough.
pub(super) struct Printer<W: Write> {
    out: W,
    form: Form,
    /// Records that are still wanted, if not all are.
    left: Option<u64>,
    stop: Arc<AtomicBool>,
    /// Of the last header.
    columns: Vec<Column>,
    line: Vec<u8>,
}

impl<W: Write> Printer<W> {
    /// Writes at most `most` records to `out`, and none once `stop` is set.
    pub(super) const fn new(out: W, form: Form, most: Option<u64>, stop: Arc<AtomicBool>) -> Printer<W> {
        Printer { out, form, left: most, stop, columns: Vec::new(), line: Vec::new() }
    }

    /// Whether nothing more is wanted.
    pub(super) fn is_done(&self) -> bool {
        self.left == Some(0) || self.stop.load(Ordering::Relaxed)
    }

    /// Nothing more is wanted.
    pub(super) const fn end(&mut self) {
        self.left = Some(0);
    }

    /// Records with these columns follow: writes the header where the form has one, if it is not the one before.
    pub(super) fn columns(&mut self, columns: &[Column]) -> io::Result<()> {
        if self.form != Form::Csv || self.columns == columns {
            return Ok(());
        }
        self.columns = columns.to_vec();
        for (place, Column { kind, name }) in columns.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            form::display(&mut self.line, format_args!("{comma}{kind} {name}"));
        }
        self.end_line()
    }

    /// A record, values by column.
    pub(super) fn record(&mut self, columns: &[Column], values: &[Value<'_>]) -> io::Result<()> {
        self.columns(columns)?;
        let out = &mut self.line;
        let fields = columns.iter().map(|column| &*column.name).zip(values);
        match self.form {
            Form::Json => form::json_object(out, fields),
            Form::Csv => {
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    self.form.put(out, value);
                }
            }
            Form::Text => {
                for (place, (name, value)) in fields.enumerate() {
                    if place > 0 {
                        out.push(b' ');
                    }
                    form::display(out, format_args!("{name}="));
                    self.form.put(out, value);
                }
            }
        }
        self.count();
        self.end_line()
    }

    /// A message that is a text already.
    pub(super) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.line.extend_from_slice(text);
        self.count();
        self.end_line()
    }

    /// A message of octets without a format.
    pub(super) fn octets(&mut self, octets: &[u8]) -> io::Result<()> {
        self.form.put(&mut self.line, &Value::Octets(octets));
        self.count();
        self.end_line()
    }

    fn count(&mut self) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        let written = self.out.write_all(&self.line);
        self.line.clear();
        written
    }

    /// Shows what was written so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
