import { describe, expect, test } from 'vitest'
import { cutter } from '../../src/deploy/cuts.ts'
import type { Event } from '../../src/deploy/event.ts'
import { watchTransfer } from '../../src/deploy/transfer.ts'
import { recorder } from '../../src/runner/recorder.ts'
import type { Connection } from '../../src/runner/runner.ts'
import { configOf } from '../config/deploy-yml.ts'
import { twoServers } from './world.ts'

const digest = `sha256:${'a'.repeat(64)}`
const request = Buffer.from(`GET /v2/app-web/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`)
const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')

/** A tunnel with connections through it; `wait` looks at it that many times. */
function tunnel({ isAlive = true } = {}) {
  const config = configOf(twoServers)
  const transfer = watchTransfer(new Map([[digest, 1000]]))
  const said: string[] = []
  let closed = 0
  const connection = {
    ...recorder('s1'),
    ...(isAlive ? {} : { run: () => Promise.reject(new Error('no answer')) }),
    close: async () => void closed++,
  } as unknown as Connection
  const { look } = cutter({ config, report: ({ detail }: Event) => said.push(detail ?? '') }, connection, transfer)
  const open = () => {
    let ended = false
    const attendant = transfer.attend(() => {
      ended = true
      attendant.onEnd?.()
    })
    return { ...attendant, isEnded: () => ended }
  }
  const wait = async (looks: number) => {
    for (let count = 0; count < looks; count++) {
      for (const flow of transfer.flows) flow.idle = flow.waitsFor() ? flow.idle + 1 : 0
      await look()
    }
  }
  return { open, wait, said, closed: () => closed }
}

describe('a connection through a tunnel', () => {
  test('that asks for nothing is left open, however long', async () => {
    const { open, wait, said } = tunnel()
    const one = open()
    one.guard(request)
    one.onAnswer?.(Buffer.concat([head, Buffer.alloc(1000)]))
    one.onTaken?.(head.length + 1000)
    await wait(200)
    expect([one.isEnded(), said]).toEqual([false, []])
  })

  test('is ended when the registry owes it something for 15 s, and others go on', async () => {
    const { open, wait, said } = tunnel()
    const [slow, stalled] = [open(), open()]
    for (const one of [slow, stalled]) one.guard(request)
    await wait(14)
    slow.onAnswer?.(head)
    slow.onTaken?.(head.length)
    expect(stalled.isEnded()).toBe(false)
    await wait(1)
    expect([slow.isEnded(), stalled.isEnded()]).toEqual([false, true])
    expect(said).toEqual(['the local registry has sent nothing for 15 s: it is asked for again'])
  })

  test('is given up when that was in vain three times in a row', async () => {
    const { open, wait, said } = tunnel()
    const stall = async () => {
      const one = open()
      one.guard(request)
      await wait(15)
      return one
    }
    for (let time = 0; time < 3; time++) expect((await stall()).isEnded()).toBe(true)
    await expect(stall()).rejects.toMatchObject({
      code: 'registry.unreachable',
      server: 's1',
      message: 's1: the local registry has sent nothing for 15 s, for the 4th time in a row',
      hint: expect.stringContaining('docker logs jiji-registry'),
    })
    expect(said).toHaveLength(3)
  })

  test('is tried again as often as something comes in between', async () => {
    const { open, wait } = tunnel()
    for (let time = 0; time < 10; time++) {
      const one = open()
      one.guard(request)
      one.onAnswer?.(head)
      one.onTaken?.(head.length)
      await wait(15)
      expect(one.isEnded()).toBe(true)
    }
  })

  test('to a server that takes nothing is kept for a minute while its connection is alive', async () => {
    const { open, wait, said, closed } = tunnel()
    const one = open()
    one.guard(request)
    one.onAnswer?.(head)
    await wait(59)
    expect(said).toEqual(['it has taken nothing for 15 s, but its connection is alive: it is waited for'])
    expect(one.isEnded()).toBe(false)
    await wait(1)
    expect(one.isEnded()).toBe(true)
    expect(closed()).toBe(0)
  })

  test('is lost when its server takes nothing, and runs no command', async () => {
    const { open, wait, closed } = tunnel({ isAlive: false })
    const one = open()
    one.guard(request)
    one.onAnswer?.(head)
    await wait(14)
    await expect(wait(1)).rejects.toMatchObject({ code: 'server.lost', server: 's1' })
    expect(closed()).toBe(1)
  })
})
