//! The nearest valid name for a wrong one.

/// The candidate most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &candidate.to_lowercase()), candidate))
        .filter(|&(likeness, _)| likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_most_like_the_name_is_nearest() {
        let names = ["active", "inactive", "line", "size"];
        assert_eq!(nearest("inactve", names), Some("inactive"));
        assert_eq!(nearest("SIZE", names), Some("size"));
        assert_eq!(nearest("actve", names), Some("active"));
    }

    #[test]
    fn a_name_like_none_has_no_nearest() {
        assert_eq!(nearest("xyz", ["active", "size"]), None);
        assert_eq!(nearest("", ["active", "size"]), None);
        assert_eq!(nearest("size", []), None);
    }
}
