// Times as people say them.

import { locale, t } from "./i18n.js";

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
const longDay = new Intl.DateTimeFormat(locale, { year: "numeric", month: "long", day: "numeric", weekday: "long" });

const startOfToday = () => new Date().setHours(0, 0, 0, 0);
const DAY_MS = 24 * 3600 * 1000;

export const timeOf = (seconds) => clock.format(seconds * 1000);

export function shortTime(seconds) {
  const at = seconds * 1000;
  if (at >= startOfToday()) return clock.format(at);
  return at >= startOfToday() - DAY_MS ? t("yesterday") : day.format(at);
}

export function dayOf(seconds) {
  const at = seconds * 1000;
  if (at >= startOfToday()) return t("today");
  return at >= startOfToday() - DAY_MS ? t("yesterday") : longDay.format(at);
}
