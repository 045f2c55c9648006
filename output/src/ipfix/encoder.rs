//! Records as data records.

use std::collections::HashMap;
use std::sync::Arc;

use weir_flow::{Record, Schema, Section};
use weir_ipfix::template::Template;

use super::batch::IpfixBatch;
use super::field::Plan;
use super::settings::{Layout, Settings, TimeUnit};
use super::templates::{Plugins, Templates};
use super::{basic, ulogd};
use crate::Encoder;

/// Writes records as their templates say.
#[derive(Clone, Debug)]
pub struct IpfixEncoder {
    interface: u32,
    time: TimeUnit,
    layout: Layout,
    /// The fields of each plugin, by number.
    plugins: Arc<[Vec<Plan>]>,
    templates: Arc<Templates>,
    /// What this worker knows of the templates: the pair of a set of plugins.
    known: HashMap<Plugins, Option<usize>>,
    /// The set of plugins of the record before, and its pair: mostly that of the next one.
    last: (Plugins, Option<usize>),
}

impl IpfixEncoder {
    pub(super) fn new(templates: Arc<Templates>, schemas: &[&Schema], settings: &Settings) -> IpfixEncoder {
        let plans = |schema: &&Schema| schema.fields.iter().map(Plan::new).collect();
        IpfixEncoder {
            interface: settings.interface,
            time: settings.time,
            layout: settings.layout,
            plugins: schemas.iter().map(plans).collect(),
            templates,
            known: HashMap::new(),
            last: (0, None),
        }
    }

    /// The template with this number in a batch.
    pub fn template(&self, number: u32) -> Option<Template> {
        let pair = number as usize / 2;
        let plugins = *self.templates.since(pair).first()?;
        self.templates.template(pair, plugins, number % 2 == 1)
    }

    #[inline]
    fn pair(&mut self, plugins: Plugins) -> Option<usize> {
        match self.last {
            (last, pair @ Some(_)) if last == plugins => pair,
            _ => self.look_up(plugins),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, plugins: Plugins) -> Option<usize> {
        let templates = &self.templates;
        let pair = *self.known.entry(plugins).or_insert_with(|| templates.pair(plugins));
        self.last = (plugins, pair);
        pair
    }

    /// The plugins that have so many things to say.
    #[inline]
    fn speakers(&self, sections: &[Section<'_>], instance: usize) -> Plugins {
        sections
            .iter()
            .filter(|section| section.instances.len() > instance && self.knows(section.plugin))
            .fold(0, |plugins, section| plugins | 1 << section.plugin)
    }

    #[inline]
    fn knows(&self, plugin: u8) -> bool {
        usize::from(plugin) < self.plugins.len()
    }

    /// Writes what the plugins say for the `instance`th time, beside the basic fields.
    #[inline]
    fn put(&mut self, record: &Record<'_>, instance: usize, batch: &mut IpfixBatch) {
        let speakers = self.speakers(record.sections, instance);
        let (pair, sections) = match self.pair(speakers) {
            Some(pair) => (pair, record.sections),
            // No id is left for a template with these plugins.
            None if instance == 0 => match self.pair(0) {
                Some(pair) => (pair, &[][..]),
                None => return,
            },
            None => return,
        };
        let begin = batch.octets.len();
        basic::put(&mut batch.octets, record, self.interface, self.time, instance == 0);
        for section in sections {
            let Some(plans) = self.plugins.get(usize::from(section.plugin)) else { continue };
            for (plan, &value) in plans.iter().zip(section.instances.get(instance)) {
                plan.put(&mut batch.octets, value);
            }
        }
        let template = 2 * pair as u32 + u32::from(record.flow.key.is_ipv6());
        batch.end_record(template, begin);
    }
}

impl IpfixEncoder {
    #[inline(never)]
    fn put_ulogd(&mut self, record: &Record<'_>, batch: &mut IpfixBatch) {
        let is_ipv6 = record.flow.key.is_ipv6();
        if let Some(pair) = self.pair(is_ipv6.into()) {
            let begin = batch.octets.len();
            ulogd::put(&mut batch.octets, record);
            batch.end_record(2 * pair as u32 + u32::from(is_ipv6), begin);
        }
    }
}

impl Encoder for IpfixEncoder {
    type Batch = IpfixBatch;

    fn wants_sections(&self) -> bool {
        self.layout == Layout::Ipfixprobe
    }

    #[inline]
    fn encode(&mut self, record: &Record<'_>, batch: &mut IpfixBatch) {
        if self.layout == Layout::Ulogd2 {
            return self.put_ulogd(record, batch);
        }
        self.put(record, 0, batch);
        let instances = record.sections.iter().map(|section| section.instances.len()).max().unwrap_or(0);
        for instance in 1..instances {
            self.put(record, instance, batch);
        }
    }
}
