import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where files start processes of their own and hold them to time limits. */
const demanding = /[\\/]tests[\\/](browser|cluster|process|simulation)[\\/]/

/**
 * The demanding files are spread evenly among the others, so that few of them run at the same time, and begin early, so that
 * none of them is what the end of the run waits for. Each kind by itself in the usual order: what took longest comes first.
 */
export default class FileOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isDemanding = ({ moduleId }: TestSpecification) => demanding.test(moduleId)
    return spread(
      sorted.filter(isDemanding),
      sorted.filter(file => !isDemanding(file)),
    )
  }
}

// The last of them begins while there is enough of the others left to fill the time it takes.
const spreadOver = 0.8

function spread<Item>(few: readonly Item[], many: readonly Item[]): Item[] {
  const placed = (items: readonly Item[], share: number) =>
    items.map((item, at) => ({ item, place: (at / items.length) * share }))
  return [...placed(few, spreadOver), ...placed(many, 1)]
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item)
}
