//! A host function's view of the module: arguments, memory, allocation, result status.

use std::ops::Range;

use wasmi::{AsContextMut, Caller, Extern, Memory, Val};

use crate::error::Crash;
use crate::exchange::Exchange;
use crate::state::{Scope, State};

/// The statuses, apart from OK (0), that the host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    NotFound = 1,
    BadArgument = 2,
    InvalidMemoryAccess = 6,
    InternalFailure = 10,
    Unimplemented = 12,
}

/// Why a host function did not succeed.
pub(crate) enum Stop {
    /// The module is told so.
    Status(Status),
    /// The module's execution ends here.
    Fatal(wasmi::Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Crash> for Stop {
    fn from(crash: Crash) -> Self {
        Self::Fatal(wasmi::Error::host(crash))
    }
}

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// Arguments of a host function; their number and types were checked when the module was linked.
pub(crate) struct Arguments<'a>(pub(crate) &'a [Val]);

impl Arguments<'_> {
    pub(crate) fn take<const N: usize>(&self) -> [i32; N] {
        std::array::from_fn(|index| self.0.get(index).and_then(Val::i32).unwrap_or_default())
    }
}

pub(crate) struct Guest<'a>(pub(crate) Caller<'a, State>);

impl Guest<'_> {
    pub(crate) fn state(&self) -> &State {
        self.0.data()
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.0.data_mut()
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.state().scope.as_ref()
    }

    /// The current request, or the status that the host gives where there is none.
    pub(crate) fn exchange(&self) -> Outcome<&Exchange> {
        let exchange = self.scope().and_then(|scope| scope.exchange.as_deref());
        Ok(exchange.ok_or(Status::BadArgument)?)
    }

    pub(crate) fn exchange_mut(&mut self) -> Outcome<&mut Exchange> {
        let scope = self.state_mut().scope.as_mut();
        Ok(scope.and_then(|scope| scope.exchange.as_deref_mut()).ok_or(Status::BadArgument)?)
    }

    fn memory(&self) -> Outcome<Memory> {
        let memory = self.0.get_export("memory").and_then(Extern::into_memory);
        Ok(memory.ok_or(Status::InvalidMemoryAccess)?)
    }

    /// Checks an address as the host does: with signed 32-bit sums, so that nothing at or above 2 GiB is reachable.
    fn range(&self, address: i32, size: i32) -> Outcome<Range<usize>> {
        let end = usize::try_from(address.wrapping_add(size)).map_err(|_| Status::InvalidMemoryAccess)?;
        if end > self.memory()?.data_size(&self.0) {
            return Err(Status::InvalidMemoryAccess.into());
        }
        match (usize::try_from(address), size >= 0) {
            (Ok(start), true) => Ok(start..end),
            _ => Err(Crash::BeforeMemory { address, size }.into()),
        }
    }

    pub(crate) fn read(&self, address: i32, size: i32) -> Outcome<&[u8]> {
        let range = self.range(address, size)?;
        let bytes = self.memory()?.data(&self.0).get(range);
        Ok(bytes.ok_or(Status::InvalidMemoryAccess)?)
    }

    /// Reads text; bytes that are not UTF-8 are replaced.
    pub(crate) fn read_text(&self, address: i32, size: i32) -> Outcome<String> {
        Ok(String::from_utf8_lossy(self.read(address, size)?).into_owned())
    }

    fn write(&mut self, address: i32, bytes: &[u8]) -> Outcome {
        let size = i32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let range = self.range(address, size)?;
        let memory = self.memory()?;
        let target = memory.data_mut(&mut self.0).get_mut(range);
        target.ok_or(Status::InvalidMemoryAccess)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn write_number(&mut self, address: i32, number: u32) -> Outcome {
        self.write(address, &number.to_le_bytes())
    }

    /// Asks the module for memory, by `proxy_on_memory_allocate`, failing that by `malloc`.
    fn allocate(&mut self, size: u32) -> Outcome<i32> {
        for function in ["proxy_on_memory_allocate", "malloc"] {
            let address = self.call_allocator(function, size.cast_signed())?;
            if address != 0 {
                return Ok(address);
            }
        }
        self.state().error("failed to malloc");
        Err(Status::InternalFailure.into())
    }

    fn call_allocator(&mut self, function: &str, size: i32) -> Outcome<i32> {
        let Some(allocator) = self.0.get_export(function).and_then(Extern::into_func) else {
            return Ok(0);
        };
        let mut result = [Val::I32(0)];
        let called = allocator.call(self.0.as_context_mut(), &[Val::I32(size)], &mut result);
        called.map_err(Stop::Fatal)?;
        let [address] = result;
        Ok(address.i32().unwrap_or_default())
    }

    /// Hands bytes to the module: the size is written first, and for no bytes nothing else is.
    pub(crate) fn give(&mut self, bytes: &[u8], address_out: i32, size_out: i32) -> Outcome {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InternalFailure)?;
        self.write_number(size_out, size)?;
        if size == 0 {
            return Ok(());
        }
        let address = self.allocate(size)?;
        self.write(address, bytes)?;
        self.write_number(address_out, address.cast_unsigned())
    }

    /// Hands a header map to the module. Whatever fails, the status is the same.
    pub(crate) fn give_map(&mut self, map: &[u8], address_out: i32, size_out: i32) -> Outcome {
        self.give(map, address_out, size_out).map_err(|stop| match stop {
            Stop::Status(_) => Status::InvalidMemoryAccess.into(),
            fatal @ Stop::Fatal(_) => fatal,
        })
    }
}
