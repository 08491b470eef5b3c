import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { inTermsOfDisk, inTermsOfDisks, readRoom } from '../../src/deploy/room.ts'
import { type ErrorCode, JijiError } from '../../src/errors.ts'
import type { Runner } from '../../src/runner/runner.ts'
import { askRoom } from '../../src/shell/room.ts'
import { folderWith } from '../config/folder.ts'
import { benchWith } from '../shell/shells.ts'

const folder = (free: number, inodes: string, path = '/var/lib/docker') =>
  `folder ${path}\nblocks /dev/sda1 41152812 20000000 ${free} 49% /\ninodes ${inodes}\n`
const plenty = '/dev/sda1 2621440 300000 2321440 12% /'

describe('what df says', () => {
  test.each<[string, string, ReturnType<typeof readRoom>]>([
    ['is read', folder(1000, plenty), [{ folder: '/var/lib/docker', bytes: 1024_000, inodes: 2321440 }]],
    [
      'is read of odd names',
      'folder /mnt/my disk\nblocks //nas/the share 10 5 5 50% /mnt/my disk\ninodes x 10 10 0 100% /mnt/my disk\n',
      [{ folder: '/mnt/my disk', bytes: 5120, inodes: 0 }],
    ],
    ['may be less than nothing', folder(-5, plenty), [{ folder: '/var/lib/docker', bytes: 0, inodes: 2321440 }]],
    ['may leave inodes away', folder(1, ''), [{ folder: '/var/lib/docker', bytes: 1024, inodes: undefined }]],
    ['of btrfs has none', folder(1, 'x 0 0 0 - /'), [{ folder: '/var/lib/docker', bytes: 1024, inodes: undefined }]],
    ['may be nothing', 'folder /a\nblocks \ninodes \n', []],
  ])('%s', (_, text, rooms) => expect(readRoom(text)).toEqual(rooms))

  test.each<[Engine, string]>([
    ['docker', 'info'],
    ['podman', 'info'],
  ])('is asked where %s keeps its images, and we our records, be they there or not', async (engine, verb) => {
    const root = folderWith({})
    const { run } = benchWith(`'${verb} '*) echo ${root} ;;`)
    const { code, stdout } = await run(askRoom(engine, 'app'))
    expect(code).toBe(0)
    const rooms = readRoom(stdout)
    expect(rooms[0]?.folder).toBe(root)
    expect(rooms.length).toBeGreaterThan(1)
    for (const { bytes } of rooms) expect(bytes).toBeGreaterThan(0)
  })
})

describe('a failure', () => {
  const placeWith = (stdout: string) => {
    let asked = 0
    const run = async () => {
      asked++
      return { code: 0, stdout, stderr: '' }
    }
    const runner: Runner = { server: 's1', run, close: async () => {} }
    return { place: { runner, engine: 'docker' as const, scope: 'app' }, asked: () => asked }
  }
  const failing = (code: ErrorCode, server?: string) => async () => {
    throw new JijiError(code, 'web could not be pulled: no words', { output: 'the end', ...(server ? { server } : {}) })
  }
  const failure = (stdout: string, moved: number, code: ErrorCode = 'pull.failed', server?: string) =>
    inTermsOfDisk(placeWith(stdout).place, failing(code, server), () => moved).catch(error => error as JijiError)

  test.each<[string, string, number, string]>([
    ['nothing is left', folder(0, plenty), 0, 'disk.full'],
    ['little is left', folder(9000, plenty), 0, 'disk.full'],
    ['enough is left', folder(11_000, plenty), 0, 'pull.failed'],
    ['not as much is left as was wanted', folder(200_000, plenty), 80e6, 'disk.full'],
    ['more is left than was wanted', folder(300_000, plenty), 80e6, 'pull.failed'],
    ['no inodes are left', folder(300_000, 'x 10 10 0 100% /'), 0, 'disk.full'],
    ['another of its disks is full', folder(300_000, plenty) + folder(0, plenty, '/var/tmp'), 0, 'disk.full'],
    ['nobody knows', '', 80e6, 'pull.failed'],
  ])('where %s', async (_, stdout, moved, code) => expect(await failure(stdout, moved)).toMatchObject({ code }))

  test('says where, how much is left, and what to do', async () => {
    expect(await failure(folder(41_000, plenty), 80e6, 'pull.failed', 's1')).toMatchObject({
      message: 'web could not be pulled: no words; its disk has 42 MB left at /var/lib/docker',
      hint: expect.stringContaining('`docker image prune -a`'),
      server: 's1',
      output: 'the end',
    })
    expect(await failure(folder(0, 'x 10 10 0 100% /'), 0)).toMatchObject({
      message: "web could not be pulled: no words; this machine's disk has no inodes left at /var/lib/docker",
      hint: expect.stringContaining('jiji registry prune'),
    })
  })
  test('of another kind is left alone, and the disk not asked', async () => {
    const { place, asked } = placeWith(folder(0, plenty))
    for (const code of ['server.lost', 'release.unhealthy', 'lock.held'] as const)
      await expect(inTermsOfDisk(place, failing(code))).rejects.toMatchObject({ code })
    await expect(inTermsOfDisk(place, () => Promise.reject(new TypeError('ours')))).rejects.toThrow(TypeError)
    expect([asked(), await inTermsOfDisk(place, async () => 'done')]).toEqual([0, 'done'])
  })
  test('of several servers says which one it was', async () => {
    const servers = [{ name: 's1', engine: 'docker' }] as never
    const work = (server?: string) =>
      inTermsOfDisks(
        { servers, scope: 'app' },
        new Map([['s1', placeWith(folder(0, plenty)).place.runner]]),
        failing('failed', server),
      )
    await expect(work('s1')).rejects.toMatchObject({ code: 'disk.full', server: 's1' })
    await expect(work('s2')).rejects.toMatchObject({ code: 'failed' })
    await expect(work()).rejects.toMatchObject({ code: 'failed' })
  })
})
