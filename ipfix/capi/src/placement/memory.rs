//! Values in the memory of a program.

use std::ffi::c_void;

use weir_ipfix::element::DataType;
use weir_ipfix::value::Value;

use super::Fault;
use super::octets::Octets;

/// Where a program has, or wants, a value, and in which form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    address: *mut c_void,
    /// The form: that of a C type, or an octet array for [`Octets`].
    data_type: DataType,
    /// Whether the octets have to be UTF-8 when they are sent.
    is_text: bool,
}

// SAFETY: it is only used by functions whose callers guarantee that the memory is there.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// The form in which a program has values of a type: times as the numbers that they are on the wire; whatever has no type of C as
/// octets.
pub(super) const fn form(data_type: DataType) -> DataType {
    match data_type {
        DataType::DateTimeSeconds => DataType::Unsigned32,
        DataType::DateTimeMilliseconds | DataType::DateTimeMicroseconds | DataType::DateTimeNanoseconds => {
            DataType::Unsigned64
        }
        DataType::String
        | DataType::BasicList
        | DataType::SubTemplateList
        | DataType::SubTemplateMultiList
        | DataType::Unsigned256 => DataType::OctetArray,
        data_type => data_type,
    }
}

impl Memory {
    pub(super) fn new(data_type: DataType, address: *mut c_void) -> Memory {
        Memory { address, data_type: form(data_type), is_text: data_type == DataType::String }
    }

    /// Writes what a field contains.
    ///
    /// # Safety
    /// The memory is there, and of the form that its type has.
    pub(super) unsafe fn write(self, content: &[u8]) -> Result<(), Fault> {
        let value = Value::read(self.data_type, content, Default::default())?;
        /// # Safety
        /// There is a `T`.
        unsafe fn put<T>(address: *mut c_void, value: T) {
            // SAFETY: the caller guarantees it.
            unsafe { address.cast::<T>().write_unaligned(value) };
        }
        let address = self.address;
        // SAFETY: the caller guarantees it.
        unsafe {
            match (self.data_type, value) {
                (DataType::Unsigned8, Value::Unsigned(value)) => put(address, value as u8),
                (DataType::Unsigned16, Value::Unsigned(value)) => put(address, value as u16),
                (DataType::Unsigned32, Value::Unsigned(value)) => put(address, value as u32),
                (_, Value::Unsigned(value)) => put(address, value),
                (DataType::Signed8, Value::Signed(value)) => put(address, value as i8),
                (DataType::Signed16, Value::Signed(value)) => put(address, value as i16),
                (DataType::Signed32, Value::Signed(value)) => put(address, value as i32),
                (_, Value::Signed(value)) => put(address, value),
                (DataType::Float32, Value::Float(value)) => put(address, value as f32),
                (_, Value::Float(value)) => put(address, value),
                (_, Value::Boolean(value)) => put(address, u8::from(value)),
                (_, Value::Mac(value)) => put(address, value),
                (_, Value::Ipv4(value)) => put(address, value.to_bits()),
                (_, Value::Ipv6(value)) => put(address, value.octets()),
                (_, Value::Octets(value)) => return Octets::assign(address.cast(), value),
                // No form of memory is read as one of these.
                (
                    _,
                    Value::Text(_)
                    | Value::Unsigned256(_)
                    | Value::Time(_)
                    | Value::BasicList(_)
                    | Value::SubTemplateList(_)
                    | Value::SubTemplateMultiList(_),
                ) => {}
            }
        }
        Ok(())
    }

    /// The value there.
    ///
    /// # Safety
    /// The memory is there, of the form that its type has, and stays as it is as long as the value is used.
    pub(super) unsafe fn read<'m>(self) -> Result<Value<'m>, Fault> {
        /// # Safety
        /// There is a `T`.
        unsafe fn get<T>(address: *mut c_void) -> T {
            // SAFETY: the caller guarantees it.
            unsafe { address.cast::<T>().read_unaligned() }
        }
        let address = self.address;
        // SAFETY: the caller guarantees it. No form is one that Rust has doubts about: a boolean is read as an octet.
        let value = unsafe {
            match self.data_type {
                DataType::Unsigned8 => Value::Unsigned(get::<u8>(address).into()),
                DataType::Unsigned16 => Value::Unsigned(get::<u16>(address).into()),
                DataType::Unsigned32 => Value::Unsigned(get::<u32>(address).into()),
                DataType::Unsigned64 => Value::Unsigned(get(address)),
                DataType::Signed8 => Value::Signed(get::<i8>(address).into()),
                DataType::Signed16 => Value::Signed(get::<i16>(address).into()),
                DataType::Signed32 => Value::Signed(get::<i32>(address).into()),
                DataType::Signed64 => Value::Signed(get(address)),
                DataType::Float32 => Value::Float(get::<f32>(address).into()),
                DataType::Float64 => Value::Float(get(address)),
                DataType::Boolean => Value::Boolean(get::<u8>(address) != 0),
                DataType::MacAddress => Value::Mac(get(address)),
                DataType::Ipv4Address => Value::Ipv4(get::<u32>(address).into()),
                DataType::Ipv6Address => Value::Ipv6(get::<[u8; 16]>(address).into()),
                _ => Value::Octets(Octets::get(address.cast())?),
            }
        };
        match value {
            Value::Octets(octets) if self.is_text && std::str::from_utf8(octets).is_err() => Err(Fault::Text),
            value => Ok(value),
        }
    }
}
