// Times as people of this language and place write them, with 24 hours.

import { language } from './lang.js';

const locale = language === 'en' ? (navigator.languages.find((tag) => tag.startsWith('en')) ?? 'en-GB') : language;
/** @type {Intl.DateTimeFormatOptions} */
const HOURS = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const clock = new Intl.DateTimeFormat(locale, HOURS);
const date = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dateOfYear = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const shortDate = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'medium', hourCycle: 'h23' });

/** @param {number} at */
export const time = (at) => clock.format(at);
/** @param {number} at */
export const moment = (at) => full.format(at);
/** @param {number} at */
export const shortMoment = (at) => (sameDay(at, Date.now()) ? time(at) : `${shortDate.format(at)} ${time(at)}`);
/** @param {number} at */
export const day = (at) => (new Date(at).getFullYear() === new Date().getFullYear() ? date : dateOfYear).format(at);
/** @param {number} a @param {number} b */
export const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

/** Returns a period by the minute; empty for one below a minute. @param {number|null} since @param {number|null} until */
export function period(since, until) {
  if (since === null || until === null || until - since < 60_000) return '';
  return sameDay(since, until) ? `${time(since)} – ${time(until)}` : `${shortMoment(since)} – ${shortMoment(until)}`;
}
