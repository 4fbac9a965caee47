//! Parses `Retry-After` (RFC 9110 section 10.2.3), as seconds or as a date.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest delay: a month, so that adding it to any clock does not overflow.
const MAX_SECONDS: u64 = 30 * 24 * 3600;

/// Returns the delay; a date is relative to the response's own `Date`, or else to `now`.
pub(crate) fn parse(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let seconds = match value.trim().parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let sent = date
                .and_then(seconds_since_epoch)
                .or_else(|| now.duration_since(UNIX_EPOCH).ok().map(|since_epoch| since_epoch.as_secs()))?;
            seconds_since_epoch(value)?.saturating_sub(sent)
        }
    };
    Some(Duration::from_secs(seconds.min(MAX_SECONDS)))
}

/// Returns the seconds of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`; obsolete forms are not supported.
fn seconds_since_epoch(text: &str) -> Option<u64> {
    let mut words = text.trim().split(' ').skip(1);
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = month(words.next()?)?;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock =
        words.next()?.split(':').map(|part| part.parse::<u64>().ok().filter(|value| *value <= 60));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    (words.next()? == "GMT").then_some(())?;
    Some(((days_before(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second)
}

fn month(name: &str) -> Option<u64> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    (1..).zip(NAMES).find(|(_, known)| *known == name).map(|(number, _)| number)
}

/// Returns the days from 1970-01-01 to the first of `month` in `year`, which is 1970 or later.
fn days_before(year: u64, month: u64) -> u64 {
    const BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_years_until = |year: u64| year / 4 - year / 100 + year / 400;
    let this_year_leaps = leap_years_until(year) > leap_years_until(year - 1);
    let in_year = BEFORE_MONTH.get(month as usize - 1).copied().unwrap_or_default();
    let leap_day = u64::from(this_year_leaps && month > 2);
    (year - 1970) * 365 + leap_years_until(year - 1) - leap_years_until(1969) + in_year + leap_day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_delay_in_seconds() {
        assert_eq!(parse(" 7 ", None, UNIX_EPOCH), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_date_is_relative_to_the_servers_clock() {
        let wait = parse("Thu, 01 Mar 2024 00:00:10 GMT", Some("Wed, 29 Feb 2024 23:59:50 GMT"), UNIX_EPOCH);
        assert_eq!(wait, Some(Duration::from_secs(20)));
    }

    #[test]
    fn without_a_date_header_a_date_is_relative_to_now() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT", None, now), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_past_date_means_zero_delay() {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT", None, now), Some(Duration::ZERO));
    }

    #[test]
    fn an_invalid_value_is_ignored() {
        for value in ["", "soon", "-1", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT"] {
            assert_eq!(parse(value, None, UNIX_EPOCH), None, "{value}");
        }
    }
}
