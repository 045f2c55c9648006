//! From a typed plugin to the face that the probe knows.

use weir_flow::{
    Schema,
    plugin::{Factory, Hooks, Interest, Plugin, Shelf},
};

struct Blueprint<B> {
    schema: Option<&'static Schema>,
    interest: Interest,
    build: B,
}

impl<P: Plugin, B: Fn(usize) -> P + Send + Sync> Factory for Blueprint<B> {
    fn schema(&self) -> Option<&'static Schema> {
        self.schema
    }

    fn interest(&self) -> Interest {
        self.interest
    }

    fn build(&self, records: usize) -> Box<dyn Hooks> {
        Box::new(Shelf::new((self.build)(records), records))
    }
}

/// A factory of plugins with this interest; `build` makes the plugin of a shard that holds at most so many records.
pub(crate) fn factory<P: Plugin>(
    interest: Interest,
    build: impl Fn(usize) -> P + Send + Sync + 'static,
) -> Box<dyn Factory> {
    Box::new(Blueprint { schema: None, interest, build })
}

/// The same, of plugins with this schema in place of that of their descriptor.
pub(crate) fn factory_with_schema<P: Plugin>(
    schema: &'static Schema,
    interest: Interest,
    build: impl Fn(usize) -> P + Send + Sync + 'static,
) -> Box<dyn Factory> {
    Box::new(Blueprint { schema: Some(schema), interest, build })
}
