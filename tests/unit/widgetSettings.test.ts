import { describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/widgets/settings.ts'

const nothing = {
  ...{ appearance: {}, behaviour: {}, launcher: {}, chatWindow: {}, preChatForm: {} },
  ...{ businessHours: {}, localeStrings: {} },
}

describe('V1 settings of a widget as they are read', () => {
  test('V1 what was never said has its default', () => {
    const settings = settingsOf(nothing)
    expect(settings.appearance).toEqual({ accent: '#1f6f54', scheme: 'auto', position: 'end' })
    expect(settings.launcher.offset).toEqual({ side: 20, bottom: 20 })
    expect(settings.behaviour).toMatchObject({
      storage: 'interaction',
      pageContext: 'consent',
      proactive: [],
    })
    expect(settings.businessHours.week.sun).toEqual([])
    expect(settings.localeStrings).toEqual({})
  })

  test('V1 of settings from before, what is understood stays and the rest counts as not said', () => {
    const settings = settingsOf({
      ...nothing,
      appearance: { primaryColor: '#123456', accent: '#abcdef', scheme: 'sepia' },
      localeStrings: { nonsense: 'here', de: { title: 'Hallo' } },
    })
    expect(settings.appearance).toEqual({ accent: '#abcdef', scheme: 'auto', position: 'end' })
    expect(settings.localeStrings).toEqual({ de: { title: 'Hallo' } })
  })
})
