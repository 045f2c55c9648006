//! The templates of the output, shared by the workers and the sink.

use std::sync::Mutex;

use weir_flow::Schema;
use weir_ipfix::template::Template;

use super::field::Plan;
use super::settings::{Layout, TimeUnit};
use super::{basic, ulogd};

/// A set of plugins, bit by number, which with the version of IP determines a template. In the layout of ulogd2, where plugins have
/// nothing to say, it is the version alone, so that there is a template for IPv6 only if there are such flows.
pub(super) type Plugins = u64;

/// The first template's id, as in the reference.
const FIRST_ID: u16 = 258;

/// Pairs of templates for which there are ids. The last ones are those of options.
const MOST_PAIRS: usize = (super::options::FIRST_ID - FIRST_ID) as usize / 2;

/// The sets of plugins that have occurred, in order, and what templates follow from them.
#[derive(Debug)]
pub(super) struct Templates {
    /// The fields of each plugin, by number.
    plugins: Vec<Vec<Plan>>,
    time: TimeUnit,
    layout: Layout,
    pairs: Mutex<Vec<Plugins>>,
}

impl Templates {
    pub(super) fn new(schemas: &[&Schema], time: TimeUnit, layout: Layout) -> Templates {
        let plans = |schema: &&Schema| schema.fields.iter().map(Plan::new).collect();
        Templates { plugins: schemas.iter().map(plans).collect(), time, layout, pairs: Mutex::default() }
    }

    fn pairs(&self) -> std::sync::MutexGuard<'_, Vec<Plugins>> {
        // A list that is only appended to is whole at any time.
        self.pairs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The number of the pair of templates of a set of plugins, a new one if the set is new. `None` if there are no ids left;
    /// the last pair is kept for records without plugins.
    pub(super) fn pair(&self, plugins: Plugins) -> Option<usize> {
        let mut pairs = self.pairs();
        if let Some(pair) = pairs.iter().position(|&known| known == plugins) {
            return Some(pair);
        }
        if pairs.len() >= MOST_PAIRS - usize::from(plugins != 0) {
            return None;
        }
        pairs.push(plugins);
        Some(pairs.len() - 1)
    }

    /// The sets of plugins from number `known` on.
    pub(super) fn since(&self, known: usize) -> Vec<Plugins> {
        self.pairs().get(known..).unwrap_or_default().to_vec()
    }

    /// The template of version 4 or 6 of the pair, if it has one of this version.
    pub(super) fn template(&self, pair: usize, plugins: Plugins, is_ipv6: bool) -> Option<Template> {
        if self.layout == Layout::Ulogd2 {
            let id = ulogd::FIRST_ID + u16::from(is_ipv6);
            let is_there = plugins == Plugins::from(is_ipv6);
            return Template::new(id, ulogd::specifiers(is_ipv6).collect::<Vec<_>>())
                .ok()
                .filter(|_| is_there);
        }
        let of_plugins = self
            .plugins
            .iter()
            .enumerate()
            .filter(|(number, _)| plugins >> number & 1 == 1)
            .flat_map(|(_, plans)| plans.iter().map(|plan| plan.specifier));
        let specifiers: Vec<_> = basic::specifiers(is_ipv6, self.time).chain(of_plugins).collect();
        Template::new(FIRST_ID + 2 * pair as u16 + u16::from(is_ipv6), specifiers).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pairs_are_numbered_in_the_order_of_appearance() {
        let templates = Templates::new(&[], TimeUnit::Microseconds, Layout::Ipfixprobe);
        assert_eq!((templates.pair(0), templates.pair(5), templates.pair(0)), (Some(0), Some(1), Some(0)));
        assert_eq!(templates.since(1), [5]);
        assert!(templates.since(9).is_empty());
        let ids = [(0, false), (0, true), (1, false), (1, true)]
            .map(|(pair, is_ipv6)| templates.template(pair, 0, is_ipv6).unwrap().id());
        assert_eq!(ids, [258, 259, 260, 261]);
    }

    #[test]
    fn when_ids_run_out_one_pair_is_left_for_records_without_plugins() {
        let templates = Templates::new(&[], TimeUnit::Microseconds, Layout::Ipfixprobe);
        for plugins in 1..MOST_PAIRS as u64 {
            templates.pairs().push(plugins);
        }
        assert_eq!(templates.pair(u64::MAX), None);
        let last = templates.pair(0).unwrap();
        assert!(templates.template(last, 0, true).is_some());
        assert_eq!(templates.pair(u64::MAX), None);
    }
}
