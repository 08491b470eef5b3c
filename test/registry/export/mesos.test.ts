import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gzipStored, tar } from '../../../src/registry/export/tar.ts'
import { credential, exported, textOf } from './credentials.ts'

const credentials = [credential('ghcr.io', 'a')]
const [file] = exported('mesos', credentials)
const archive = gunzipSync(file?.contents ?? '')
const field = (block: number, start: number, length: number) =>
  archive
    .subarray(block * 512 + start, block * 512 + start + length)
    .toString()
    .replace(/[\0 ]+$/, '')

describe('mesos', () => {
  test('is a folder and in it what docker-config writes', () => {
    const whole = textOf('docker-config', credentials)
    expect([field(0, 0, 100), field(0, 156, 1), field(1, 0, 100), field(1, 156, 1)]).toEqual([
      '.docker/',
      '5',
      '.docker/config.json',
      '0',
    ])
    expect(archive.subarray(1024, 1024 + whole.length).toString()).toBe(whole)
  })
  test("is root's, without times, and for nobody else", () => {
    for (const [block, mode] of [
      [0, '0000700'],
      [1, '0000600'],
    ] as const) {
      expect([field(block, 100, 8), field(block, 108, 8), field(block, 116, 8), field(block, 136, 12)]).toEqual([
        mode,
        '0000000',
        '0000000',
        '00000000000',
      ])
    }
  })
  test('is these bytes, on whatever build of Node', () => {
    expect(
      createHash('sha256')
        .update(file?.contents ?? '')
        .digest('hex'),
    ).toMatchInlineSnapshot(`"c284a0229329ca71efadd6960e8416e3412a5b70867b0437677fcd78766752c6"`)
  })
})

describe('gzip without compression', () => {
  test.each([0, 1, 65_534, 65_535, 65_536, 200_000])('of %i bytes is read by others', size => {
    const data = Buffer.alloc(size, 'abc')
    const zipped = gzipStored(data)
    expect(gunzipSync(zipped).equals(data)).toBe(true)
    expect(zipped.length).toBe(18 + size + 5 * Math.max(1, Math.ceil(size / 65_535)))
  })
})

describe('tar', () => {
  test.each([0, 1, 511, 512, 513])('of a file of %i bytes is whole blocks', size => {
    const data = tar([{ name: 'a', mode: 0o600, contents: Buffer.alloc(size, 'x') }])
    expect(data.length).toBe(512 + Math.ceil(size / 512) * 512 + 1024)
  })
})
