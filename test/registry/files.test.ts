import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { putFiles } from '../../src/registry/files.ts'
import { folderWith } from '../config/folder.ts'

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8)

describe('a file is put in its place', () => {
  test('for its owner alone, folders on the way too', () => {
    const folder = folderWith({})
    putFiles([{ path: join(folder, 'a/b/c'), contents: 'x' }])
    expect([
      readFileSync(join(folder, 'a/b/c'), 'utf8'),
      modeOf(join(folder, 'a/b/c')),
      modeOf(join(folder, 'a')),
    ]).toEqual(['x', '600', '700'])
  })
  test('instead of one that others could read', () => {
    const folder = folderWith({ a: 'old' })
    chmodSync(join(folder, 'a'), 0o644)
    putFiles([{ path: join(folder, 'a'), contents: Buffer.from([0, 255]) }])
    expect([...readFileSync(join(folder, 'a'))]).toEqual([0, 255])
    expect(modeOf(join(folder, 'a'))).toBe('600')
  })
  test('with another mode if that is asked for', () => {
    const folder = folderWith({})
    putFiles([{ path: join(folder, 'a'), contents: '', mode: 0o644 }])
    expect(modeOf(join(folder, 'a'))).toBe('644')
  })
  test('and nothing else is left', () => {
    const folder = folderWith({ a: '1' })
    putFiles(['a', 'b'].map(name => ({ path: join(folder, name), contents: name })))
    expect(readdirSync(folder)).toEqual(['a', 'b'])
  })
  test('while it is not there yet, it can be looked at, by its owner alone', () => {
    const folder = folderWith({ a: 'old' })
    putFiles([{ path: join(folder, 'a'), contents: 'new', mode: 0o600 }], ([written = '']) => {
      expect([readFileSync(join(folder, 'a'), 'utf8'), readFileSync(written, 'utf8'), modeOf(written)]).toEqual([
        'old',
        'new',
        '600',
      ])
    })
  })
})

describe('all or none: nothing is changed and nothing is left', () => {
  const unchanged = (act: (folder: string) => void, message: string) => {
    const folder = folderWith({ a: 'old', 'target/x': '' })
    expect(() => act(folder)).toThrow(message)
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old')
    expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([])
  }
  const newA = (folder: string) => ({ path: join(folder, 'a'), contents: 'new' })

  test('when one of them is a folder', () =>
    unchanged(folder => putFiles([newA(folder), { path: join(folder, 'target'), contents: '' }]), 'target is a folder'))
  test('when one of them is a symbolic link, which is not followed', () =>
    unchanged(folder => {
      symlinkSync(join(folder, 'target/x'), join(folder, 'link'))
      putFiles([newA(folder), { path: join(folder, 'link'), contents: 'leaked' }])
    }, 'link is a symbolic link'))
  test('when a link leads nowhere yet', () =>
    unchanged(folder => {
      symlinkSync(join(folder, 'target/new'), join(folder, 'link'))
      putFiles([{ path: join(folder, 'link'), contents: 'leaked' }])
    }, 'link is a symbolic link'))
  test('when a folder on the way is a file', () =>
    unchanged(folder => putFiles([newA(folder), { path: join(folder, 'a/b'), contents: '' }]), 'cannot be written'))
  test('when what was written does not please', () =>
    unchanged(
      folder =>
        putFiles([newA(folder)], () => {
          throw new Error('not like this')
        }),
      'not like this',
    ))
  test('when the second cannot be moved to its place any more', () =>
    unchanged(
      folder =>
        putFiles(
          [newA(folder), { path: join(folder, 'new'), contents: '' }, { path: join(folder, 'b'), contents: '' }],
          () => mkdirSync(join(folder, 'b')),
        ),
      'cannot be written',
    ))
})
