import { describe, expect, test } from 'vitest';
import { createDoor } from '../../../src/dashboard/access.js';

const TOKEN = 'a-token-of-some-length';
const ask = (door: ReturnType<typeof createDoor>, headers: Record<string, string>, query = '', nowMs = 0) =>
  door.ask({ headers: { host: '127.0.0.1:8787', ...headers }, query: new URLSearchParams(query), nowMs });

describe('without a token', () => {
  const door = createDoor({ hosts: ['Board.example.org'] });

  test('addresses, localhost and names that were told are answered', () => {
    for (const host of ['127.0.0.1:8787', 'localhost', '[::1]:9', 'board.example.org:443'])
      expect(ask(door, { host })).toEqual({ is: 'granted' });
  });

  test('a name that somebody else points at this machine is not', () => {
    for (const host of ['evil.example', 'localhost.evil.example:8787'])
      expect(ask(door, { host })).toMatchObject({ is: 'refused', status: 421 });
    expect(ask(door, { host: 'a b' })).toMatchObject({ is: 'refused', status: 400 });
  });

  test('another site’s page cannot make the browser ask; its links work', () => {
    expect(ask(door, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toMatchObject({
      status: 403,
    });
    expect(ask(door, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toEqual({
      is: 'granted',
    });
  });
});

describe('with a token', () => {
  test('who holds it in the address gets a cookie for it, and the cookie is enough', () => {
    const door = createDoor({ token: TOKEN });
    expect(ask(door, {})).toMatchObject({ is: 'refused', status: 401 });
    const exchanged = ask(door, {}, `token=${TOKEN}`);
    if (exchanged.is !== 'exchange') throw new TypeError('expected an exchange');
    expect(exchanged.cookie).toMatch(
      /^assay-dashboard-[0-9a-f]{8}=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Lax; /,
    );
    expect(exchanged.cookie).not.toContain(TOKEN);
    const [cookie] = exchanged.cookie.split(';');
    expect(ask(door, { cookie: `theme=dark; ${cookie}` })).toEqual({ is: 'granted' });
    const [name] = cookie!.split('=');
    expect(ask(door, { cookie: `${name}=0` })).toMatchObject({ status: 401 });
    expect(ask(door, { authorization: `Bearer ${TOKEN}` })).toEqual({ is: 'granted' });
  });

  test('the cookie says nothing of the token: of the same one it is another at every start', () => {
    const cookieOf = (door: ReturnType<typeof createDoor>) => {
      const access = ask(door, {}, `token=${TOKEN}`);
      return access.is === 'exchange' ? access.cookie.split(';')[0]! : '';
    };
    const [first, second] = [createDoor({ token: TOKEN }), createDoor({ token: TOKEN })];
    expect(cookieOf(first)).toBe(cookieOf(first));
    expect(cookieOf(second)).not.toBe(cookieOf(first));
    expect(cookieOf(second).split('=')[0]).toBe(cookieOf(first).split('=')[0]);
    expect(ask(second, { cookie: cookieOf(first) })).toMatchObject({ is: 'refused', status: 401 });
  });

  test('of another token the cookie is another', () => {
    const own = createDoor({ token: TOKEN });
    const cookieOf = (door: ReturnType<typeof createDoor>, token: string) => {
      const access = ask(door, {}, `token=${token}`);
      return access.is === 'exchange' ? access.cookie.split(';')[0]! : '';
    };
    const [first, second] = [cookieOf(own, TOKEN), cookieOf(createDoor({ token: `${TOKEN}2` }), `${TOKEN}2`)];
    expect(first).not.toBe(second);
    // of another name too: two dashboards of one host are both open in one browser
    expect(first.split('=')[0]).not.toBe(second.split('=')[0]);
    expect(ask(own, { cookie: `${second}; ${first}` })).toEqual({ is: 'granted' });
    expect(ask(own, { cookie: second })).toMatchObject({ is: 'refused', status: 401 });
  });

  test('wrong ones are counted, and after thirty nobody may try for the rest of the minute', () => {
    const door = createDoor({ token: TOKEN });
    for (let n = 0; n < 30; n++) expect(ask(door, {}, 'token=wrong')).toMatchObject({ status: 401 });
    expect(ask(door, {}, `token=${TOKEN}`)).toMatchObject({ status: 429 });
    expect(ask(door, {}, `token=${TOKEN}`, 60_000)).toMatchObject({ is: 'exchange' });
  });

  test('one that is too short is none', () => {
    expect(() => createDoor({ token: 'short' })).toThrow('token: expected 16 to 256 characters, got 5');
  });
});
