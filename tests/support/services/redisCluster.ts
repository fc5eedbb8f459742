import { Redis } from 'ioredis'
import { eventually } from '../eventually.ts'
import { findOnPath } from './command.ts'
import { type LocalRedis, startLocalRedis } from './redis.ts'

const slots = 16_384
/** What an address says of who comes has to count for nodes that no address names. */
const password = 'p@ss,word'
/** So long a master is silent before the others agree that it is gone. */
const nodeTimeoutMs = 2_000

export const redisClusterPossible = findOnPath(['redis-server'], process.env) !== undefined

export interface LocalRedisCluster {
  /** Three; the slots are theirs in this order, a third each. */
  readonly masters: readonly LocalRedis[]
  /** Of the first master. */
  readonly replica: LocalRedis
  /** The master that has a key's slot in the beginning. */
  masterOf(key: string): Promise<number>
  slotOf(key: string): Promise<number>
  /** A command to one of its nodes. */
  ask(node: LocalRedis, ...command: [string, ...string[]]): Promise<unknown>
  /** Until every node that runs says that all is well. */
  whole(): Promise<void>
  stop(): Promise<void>
}

/** A Redis Cluster of our own on random ports, with a password, and without its master's replica a shard is lost with its master. */
export async function startLocalRedisCluster(environment: NodeJS.ProcessEnv): Promise<LocalRedisCluster> {
  const options = {
    ...{ 'cluster-enabled': 'yes', 'cluster-node-timeout': `${nodeTimeoutMs}` },
    // What is left goes on while a shard is lost.
    ...{ 'cluster-require-full-coverage': 'no', 'cluster-replica-validity-factor': '0' },
    ...{ requirepass: password, masterauth: password },
  }
  const more = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  const nodes: LocalRedis[] = []
  const clients = new Map<LocalRedis, Redis>()
  const stop = async () => {
    for (const client of clients.values()) client.disconnect()
    await Promise.all(nodes.map(node => node.stop()))
  }
  const clientOf = (node: LocalRedis): Redis => {
    const known = clients.get(node)
    if (known) return known
    // Some are away for a while on purpose; what they are asked then they answer when they are back.
    const made = new Redis(node.url, { maxRetriesPerRequest: null })
    made.on('error', () => undefined)
    clients.set(node, made)
    return made
  }
  const ask: LocalRedisCluster['ask'] = (node, ...[name, ...given]) => clientOf(node).call(name, ...given)
  try {
    // One after the other: the port for talking among themselves is 10,000 above, and must be one.
    for (let at = 0; at < 4; at++) nodes.push(await startNode(environment, more))
    const [first, second, third, replica] = nodes as [LocalRedis, LocalRedis, LocalRedis, LocalRedis]
    const masters = [first, second, third]
    for (const [at, master] of masters.entries()) {
      const [from, to] = [Math.ceil((at * slots) / 3), Math.ceil(((at + 1) * slots) / 3) - 1]
      await ask(master, 'CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to}`)
    }
    for (const other of nodes.slice(1)) await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', `${other.port}`)
    const firstId = String(await ask(first, 'CLUSTER', 'MYID'))
    await eventually(
      'the replica knows its master',
      async () => String(await ask(replica, 'CLUSTER', 'NODES')).includes(firstId),
      30_000,
    )
    await ask(replica, 'CLUSTER', 'REPLICATE', firstId)
    const slotOf = async (key: string) => Number(await ask(second, 'CLUSTER', 'KEYSLOT', key))
    const cluster: LocalRedisCluster = {
      ...{ masters, replica, ask, slotOf, stop },
      masterOf: async key => Math.floor(((await slotOf(key)) * 3) / slots),
      whole: () => eventually('the cluster is whole', () => isWhole(nodes, ask), 60_000),
    }
    await cluster.whole()
    return cluster
  } catch (error) {
    await stop()
    throw error
  }
}

async function startNode(environment: NodeJS.ProcessEnv, more: string[]): Promise<LocalRedis> {
  for (;;) {
    const node = await startLocalRedis(environment, more, encodeURIComponent(password)).catch(
      (error: Error) => {
        if (!/port number too high/.test(error.message)) throw error
      },
    )
    if (node) return node
  }
}

async function isWhole(nodes: readonly LocalRedis[], ask: LocalRedisCluster['ask']): Promise<boolean> {
  const answers = await Promise.all(
    nodes.map(async node => {
      const info = String(await ask(node, 'CLUSTER', 'INFO'))
      const known = String(await ask(node, 'CLUSTER', 'NODES'))
      const replication = String(await ask(node, 'INFO', 'replication'))
      const fine = /cluster_state:ok/.test(info) && /cluster_slots_ok:16384/.test(info) && !/fail/.test(known)
      return (
        fine &&
        known.trim().split('\n').length === nodes.length &&
        !/master_link_status:down/.test(replication)
      )
    }),
  )
  return answers.every(Boolean)
}
