//! Which plugins' fields go to which interface: `http,(pstats,phists)`.

/// The pseudo plugin of the basic fields.
pub(super) const BASIC: &str = "basic";

/// The plugins of each interface, in their order.
///
/// Items are separated by commas; an item is the name of a plugin, or several in parentheses.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<&str>>, String> {
    let mut items = Vec::new();
    let mut rest = text.trim();
    loop {
        let (item, after) = if let Some(inner) = rest.strip_prefix('(') {
            let (inner, after) =
                inner.split_once(')').ok_or_else(|| "a parenthesis is not closed".to_owned())?;
            (inner.split(',').map(str::trim).collect(), after.trim())
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (vec![rest[..end].trim()], &rest[end..])
        };
        for name in &item {
            if name.is_empty() {
                return Err("a name is missing".to_owned());
            }
            if let Some(wrong) = name.chars().find(|c| "()".contains(*c)) {
                return Err(format!("\"{wrong}\" is not expected in \"{name}\""));
            }
        }
        items.push(item);
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim(),
            None if after.is_empty() => return Ok(items),
            None => return Err(format!("\"{after}\" is not expected")),
        }
    }
}

/// The numbers of the plugins of each of `interfaces` interfaces. `enabled` are the names of all plugins in the order of `-p`. No
/// plugin: the basic fields of all records.
pub(super) fn resolve(
    text: Option<&str>,
    interfaces: usize,
    enabled: &[&str],
) -> Result<Vec<Vec<u8>>, String> {
    let Some(text) = text else {
        return match (interfaces, enabled.len()) {
            (1, 0) => Ok(vec![Vec::new()]),
            (1, 1) => Ok(vec![vec![0]]),
            _ => {
                Err("with several interfaces or plugins it has to say which plugins go to which interface, \
                      such as plugins=http,(pstats,phists)"
                    .to_owned())
            }
        };
    };
    let items = parse(text)?;
    if items.len() != interfaces {
        return Err(format!("there are {interfaces} interfaces and {} items", items.len()));
    }
    let mut seen = Vec::new();
    items
        .into_iter()
        .map(|names| {
            if names == [BASIC] {
                return Ok(Vec::new());
            }
            names
                .into_iter()
                .map(|name| {
                    let number = enabled.iter().position(|enabled| *enabled == name);
                    let number =
                        number.ok_or_else(|| format!("plugin {name} is not enabled (option --process)"))?;
                    if seen.contains(&number) {
                        return Err(format!("plugin {name} is there twice"));
                    }
                    seen.push(number);
                    Ok(number as u8)
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_names_and_groups_of_names() {
        assert_eq!(parse("http"), Ok(vec![vec!["http"]]));
        let both = Ok(vec![vec!["http"], vec!["pstats", "phists"], vec!["basic"]]);
        assert_eq!(parse("http,(pstats,phists),basic"), both);
        assert_eq!(parse(" http , ( pstats , phists ) , basic "), both);
    }

    #[test]
    fn what_is_no_mapping_is_told() {
        for (text, error) in [
            ("", "a name is missing"),
            ("http,", "a name is missing"),
            ("(http,)", "a name is missing"),
            ("(http", "a parenthesis is not closed"),
            ("(http)dns", "\"dns\" is not expected"),
            ("http)", "\")\" is not expected in \"http)\""),
            ("((http))", "\"(\" is not expected in \"(http\""),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn plugins_are_found_by_their_names() {
        let enabled = ["http", "pstats", "phists"];
        assert_eq!(resolve(None, 1, &[]), Ok(vec![vec![]]));
        assert_eq!(resolve(None, 1, &["http"]), Ok(vec![vec![0]]));
        assert!(resolve(None, 1, &enabled).is_err() && resolve(None, 2, &["http"]).is_err());
        assert_eq!(resolve(Some("(phists,http),basic"), 2, &enabled), Ok(vec![vec![2, 0], vec![]]));
        let told =
            |text, interfaces| resolve(Some(text), interfaces, &enabled).map_err(|error| error.to_string());
        assert_eq!(told("http", 2), Err("there are 2 interfaces and 1 items".into()));
        assert_eq!(told("http,dns", 2), Err("plugin dns is not enabled (option --process)".into()));
        assert_eq!(told("(basic,http)", 1), Err("plugin basic is not enabled (option --process)".into()));
        assert_eq!(told("http,(http,pstats)", 2), Err("plugin http is there twice".into()));
    }
}
