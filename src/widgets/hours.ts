import { type BusinessHours, weekdays } from '../protocol/index.ts'

export interface Hours {
  /** Whether people answer now. */
  readonly open: boolean
  /** When they begin to the next time; null where that is not within two weeks. */
  readonly opensAt: string | null
  /** When they cease to, now or after that; null likewise. */
  readonly closesAt: string | null
}

const dayMs = 24 * 3_600_000
const minuteMs = 60_000
const horizonMs = 14 * dayMs

/**
 * It is open whenever the clock on the wall there shows a time within the opening hours of that day; where clocks are put back, twice.
 */
export function hoursAt(hours: BusinessHours, now: Date): Hours {
  if (!hours.enabled) return { open: true, opensAt: null, closesAt: null }
  const from = now.getTime()
  const to = from + horizonMs
  const [first, second] = joined(openTimes(hours, from, to))
  const open = first?.from === from
  const momentOf = (time: number | undefined) =>
    time === undefined || time === to ? null : new Date(time).toISOString()
  return { open, opensAt: momentOf(open ? second?.from : first?.from), closesAt: momentOf(first?.to) }
}

interface Time {
  readonly from: number
  readonly to: number
}

/** What goes on without a pause is one: over midnight, and over a change of the clocks. */
function* joined(times: Iterable<Time>): Generator<Time> {
  let last: Time | undefined
  for (const time of times) {
    if (last && time.from <= last.to) last = { from: last.from, to: Math.max(last.to, time.to) }
    else {
      if (last) yield last
      last = time
    }
  }
  if (last) yield last
}

/** In which the clock on the wall is always as far from ours. */
interface Stretch extends Time {
  readonly offset: number
}

/** Clocks are changed months apart, so at most once in a day; when exactly is found by halving. */
function* evenStretches(timezone: string, from: number, to: number): Generator<Stretch> {
  let start = from
  let offset = offsetAt(timezone, from)
  for (let day = from; day < to; day += dayMs) {
    const end = Math.min(day + dayMs, to)
    const after = offsetAt(timezone, end)
    if (after === offset) continue
    const change = changeBetween(timezone, day, end, offset)
    yield { from: start, to: change, offset }
    start = change
    offset = after
  }
  yield { from: start, to, offset }
}

/** The first minute at which the offset is not what it was. */
function changeBetween(timezone: string, from: number, to: number, offset: number): number {
  let before = Math.floor(from / minuteMs)
  let after = Math.ceil(to / minuteMs)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetAt(timezone, middle * minuteMs) === offset) before = middle
    else after = middle
  }
  return after * minuteMs
}

/** In the order in which they begin. */
function* openTimes(hours: BusinessHours, begin: number, end: number): Generator<Time> {
  for (const { from, to, offset } of evenStretches(hours.timezone, begin, end)) {
    const lastDay = Math.floor((to + offset) / dayMs)
    for (let day = Math.floor((from + offset) / dayMs); day <= lastDay; day++) {
      const midnight = day * dayMs
      const openings = openingsOn(hours, new Date(midnight))
      for (const opening of openings.toSorted((a, b) => minutesOf(a.from) - minutesOf(b.from))) {
        const opens = Math.max(midnight + minutesOf(opening.from) * minuteMs - offset, from)
        const closes = Math.min(midnight + minutesOf(opening.to) * minuteMs - offset, to)
        if (opens < closes) yield { from: opens, to: closes }
      }
    }
  }
}

function openingsOn({ week, closedOn }: BusinessHours, day: Date) {
  if (closedOn.includes(day.toISOString().slice(0, 10))) return []
  // Weeks of JavaScript begin on Sunday.
  return week[weekdays[(day.getUTCDay() + 6) % 7] ?? 'mon']
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** By how much the clock on the wall is ahead of UTC. */
function offsetAt(timezone: string, moment: number): number {
  const parts = clockOf(timezone).formatToParts(moment)
  const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find(part => part.type === type)?.value)
  const [year, month, day] = [of('year'), of('month') - 1, of('day')]
  const wall = Date.UTC(year, month, day, of('hour'), of('minute'), of('second'))
  return wall - Math.floor(moment / 1_000) * 1_000
}

/** Making one takes longer than all that it is asked. */
const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(timezone: string): Intl.DateTimeFormat {
  const known = clocks.get(timezone)
  if (known) return known
  if (clocks.size >= 1_000) clocks.clear()
  const clock = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: timezone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  clocks.set(timezone, clock)
  return clock
}
