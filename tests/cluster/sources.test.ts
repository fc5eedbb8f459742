import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { busIsUp, type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { converges, type Followed, follow, sourcesSnapshot, takeUpSources } from '../support/followed.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import { callerWith, type Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, type TestSocket } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

const path = '/api/v1/knowledge/sources'

describe.skipIf(!clusterPossible)('K2: the sources on two nodes', () => {
  let wires: Wire[]
  let cluster: Cluster
  let workspace: Workspace
  const open = new Set<TestSocket>()

  beforeAll(async () => {
    const redis = new URL(inject('services').redis?.url ?? '')
    const target = { host: redis.hostname, port: Number(redis.port) }
    // What the second node says takes its time, and is overtaken by what the first one says.
    const delayOf = (piece: Buffer) => (piece.includes('spublish') ? 800 : 0)
    wires = [await startWire(target), await startWire(target, { delayOf })]
    cluster = await startCluster({ nodes: 2, redisUrl: which => `redis://127.0.0.1:${wires[which]?.port}` })
    workspace = await quickWorkspace(cluster.parley(0))
  })
  afterAll(async () => {
    for (const socket of open) socket.close()
    await cluster?.stop()
    for (const wire of wires ?? []) await wire[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    for (const wire of wires) await wire.restore()
  })

  const ownerOn = (which: number) =>
    callerWith(cluster.parley(which), { authorization: `Bearer ${workspace.owner.token}` })

  async function follows(which: number): Promise<{ socket: TestSocket; followed: Followed }> {
    const socket = await connectMember(cluster.nodes[which]?.url ?? '', workspace.owner)
    open.add(socket)
    const followed = follow(socket)
    await takeUpSources(socket, followed)
    return { socket, followed }
  }

  /** It is ready, and all of that is told. */
  async function newSource({ followed }: { followed: Followed }): Promise<string> {
    const { body } = await ownerOn(0).call<{ id: string }>('post', path, {
      ...{ type: 'text', name: 'A text', text: 'Words.' },
    })
    await eventually('it is ready', () => followed.sources?.get(body.id)?.status === 'ready', 20_000)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    return body.id
  }

  test('of what two nodes tell of one source, the newer stays, whatever order it comes in', async () => {
    const follower = await follows(0)
    const id = await newSource(follower)
    const { socket, followed } = follower
    const names = () => socket.received('source').map(({ name }) => name)
    let overtaken = false
    // A machine that is busy may be slower than the way of the older one.
    for (let round = 0; round < 8 && !overtaken; round++) {
      const [first, second] = [`First ${round}`, `Second ${round}`]
      await ownerOn(1).call('patch', `${path}/${id}`, { name: first })
      await new Promise(resolve => setTimeout(resolve, 50))
      await ownerOn(0).call('patch', `${path}/${id}`, { name: second })
      await eventually('both have come', () => names().includes(first) && names().includes(second), 20_000)
      expect(followed.sources?.get(id)?.name).toBe(second)
      overtaken = names().at(-1) === first
    }
    expect(overtaken).toBe(true)
  })

  test('who follows is told to read anew what the bus has lost, also that a source is gone', async () => {
    const follower = await follows(1)
    const [kept, gone] = [await newSource(follower), await newSource(follower)]
    await wires[1]?.cut()
    await ownerOn(0).call('patch', `${path}/${kept}`, { name: 'Renamed' })
    await ownerOn(0).call('delete', `${path}/${gone}`)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    const { socket, followed } = follower
    await wires[1]?.restore()
    await busIsUp(cluster, 1)
    await converges(
      'the follower has the sources',
      () => followed.sources,
      () => sourcesSnapshot(socket),
    )
    expect(followed.sources?.get(kept)?.name).toBe('Renamed')
    expect(followed.sources?.has(gone)).toBe(false)
  })
})
