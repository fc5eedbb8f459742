import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { businessHoursSchema, type weekdays } from '../../src/protocol/index.ts'
import { hoursAt } from '../../src/widgets/hours.ts'

const minuteMs = 60_000
const settled = (hours: object) => businessHoursSchema.parse({ enabled: true, ...hours })
const at = (hours: object, now: string) => hoursAt(settled(hours), new Date(now))
const nineToFive = [{ from: '09:00', to: '17:00' }]
const workdays = { mon: nineToFive, tue: nineToFive, wed: nineToFive, thu: nineToFive, fri: nineToFive }

/** What the clock on the wall shows, asked in another way than the program does. */
function wall(timezone: string, moment: number) {
  const text = new Date(moment).toLocaleString('sv-SE', { timeZone: timezone })
  const [date = '', time = ''] = text.split(' ')
  const weekday = new Date(moment).toLocaleDateString('en-US', { timeZone: timezone, weekday: 'short' })
  return { date, time: time.slice(0, 5), day: weekday.toLowerCase() as (typeof weekdays)[number] }
}

function isOpen(hours: ReturnType<typeof settled>, moment: number): boolean {
  const { date, time, day } = wall(hours.timezone, moment)
  return !hours.closedOn.includes(date) && hours.week[day].some(({ from, to }) => from <= time && time < to)
}

describe('V5 business hours', () => {
  test('V5 whoever does not keep any is always there', () => {
    expect(hoursAt(businessHoursSchema.parse({}), new Date())).toEqual({
      ...{ open: true, opensAt: null, closesAt: null },
    })
  })

  test('V5 open from the first minute, closed from the last, and next on the next working day', () => {
    const hours = { timezone: 'Europe/Berlin', week: workdays }
    const today = { opensAt: '2026-11-30T08:00:00.000Z', closesAt: '2026-11-27T16:00:00.000Z' }
    expect(at(hours, '2026-11-27T08:00:00Z')).toEqual({ open: true, ...today })
    expect(at(hours, '2026-11-27T15:59:59Z')).toEqual({ open: true, ...today })
    expect(at(hours, '2026-11-27T16:00:00Z')).toEqual({
      ...{ open: false, opensAt: '2026-11-30T08:00:00.000Z', closesAt: '2026-11-30T16:00:00.000Z' },
    })
    expect(at(hours, '2026-11-27T07:59:00Z').opensAt).toBe('2026-11-27T08:00:00.000Z')
  })

  test('V5 a day on which nobody is there is left out; nothing within two weeks is not known', () => {
    const hours = { timezone: 'UTC', week: { mon: nineToFive }, closedOn: ['2026-11-30'] }
    expect(at(hours, '2026-11-29T00:00:00Z').opensAt).toBe('2026-12-07T09:00:00.000Z')
    const twice = { ...hours, closedOn: ['2026-11-30', '2026-12-07'] }
    expect(at(twice, '2026-11-29T00:00:00Z')).toEqual({ open: false, opensAt: null, closesAt: null })
  })

  test('V5 until midnight, and on from it', () => {
    const hours = {
      timezone: 'UTC',
      week: { sat: [{ from: '20:00', to: '24:00' }], sun: [{ from: '00:00', to: '02:00' }] },
    }
    const night = { open: true, opensAt: '2026-12-05T20:00:00.000Z', closesAt: '2026-11-29T02:00:00.000Z' }
    expect(at(hours, '2026-11-28T23:59:59Z')).toEqual(night)
    expect(at(hours, '2026-11-29T00:00:00Z').open).toBe(true)
    expect(at(hours, '2026-11-29T02:00:00Z').open).toBe(false)
  })

  test('V5 the hour that is skipped in spring is nowhere, what lies in it begins after it', () => {
    const hours = { timezone: 'Europe/Berlin', week: { sun: [{ from: '02:30', to: '04:00' }] } }
    expect(at(hours, '2026-03-28T12:00:00Z').opensAt).toBe('2026-03-29T01:00:00.000Z')
    const inIt = { timezone: 'Europe/Berlin', week: { sun: [{ from: '02:10', to: '02:50' }] } }
    expect(at(inIt, '2026-03-28T12:00:00Z').opensAt).toBe('2026-04-05T00:10:00.000Z')
  })

  test('V5 the hour that comes twice in autumn is twice', () => {
    const hours = { timezone: 'Europe/Berlin', week: { sun: [{ from: '02:00', to: '02:30' }] } }
    expect(at(hours, '2026-10-25T00:15:00Z').open).toBe(true)
    expect(at(hours, '2026-10-25T00:45:00Z')).toEqual({
      ...{ open: false, opensAt: '2026-10-25T01:00:00.000Z', closesAt: '2026-10-25T01:30:00.000Z' },
    })
    const whole = { timezone: 'Europe/Berlin', week: { sun: [{ from: '01:00', to: '04:00' }] } }
    expect(at(whole, '2026-10-25T00:15:00Z').closesAt).toBe('2026-10-25T03:00:00.000Z')
  })

  test('V5 who is always there, or for longer than is looked ahead, does not close', () => {
    const always = [{ from: '00:00', to: '24:00' }]
    const [mon, tue, wed, thu, fri, sat, sun] = Array(7).fill(always)
    const hours = { timezone: 'Europe/Berlin', week: { mon, tue, wed, thu, fri, sat, sun } }
    expect(at(hours, '2026-10-20T12:34:56Z')).toEqual({ open: true, opensAt: null, closesAt: null })
  })

  test('V5 in every zone, around every change of the clocks: as a look at the clock each minute would say', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC']
    const changes = ['2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01']
    const time = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
    const opening = fc
      .tuple(time, time)
      .filter(([from, to]) => from !== to)
      .map(([a, b]) => (a < b ? { from: a, to: b } : { from: b, to: a }))
    const openings = fc.array(opening, { maxLength: 2 })
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...changes),
        fc.integer({ min: -20 * 60, max: 30 * 60 }),
        fc.record({ sat: openings, sun: openings, mon: openings }),
        (timezone, change, minutes, week) => {
          const hours = settled({ timezone, week })
          const now = Date.parse(`${change}T00:00:00Z`) + minutes * minuteMs
          const { open, ...told } = hoursAt(hours, new Date(now))
          expect(open).toBe(isOpen(hours, now))
          // Looked at for two days; what is later has to be later than that.
          const looked = 2 * 24 * 60
          const turns: { opensAt?: number; closesAt?: number } = {}
          let before = open
          for (let at = 1; at < looked && !(turns.opensAt && turns.closesAt); at++) {
            const moment = now + at * minuteMs
            const is = isOpen(hours, moment)
            if (is !== before) turns[is ? 'opensAt' : 'closesAt'] ??= moment
            before = is
          }
          for (const [first, at] of [
            [turns.opensAt, told.opensAt],
            [turns.closesAt, told.closesAt],
          ] as const)
            if (first !== undefined) expect(at).toBe(new Date(first).toISOString())
            else if (at !== null) expect(Date.parse(at)).toBeGreaterThanOrEqual(now + looked * minuteMs)
        },
      ),
      { numRuns: 30 },
    )
  }, 60_000)
})
