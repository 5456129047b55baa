import { describe, expect, it } from 'vitest';
import { isAssayError } from '../../../src/model/errors.js';
import { parseRedisUrl } from '../../../src/validator/queue/redis-address.js';

const refusal = (text: string): unknown => {
  try {
    return parseRedisUrl(text);
  } catch (error) {
    return isAssayError(error, 'invalid-input') ? error.message : error;
  }
};

describe('an address of Redis', () => {
  it('is read with its escapes', () => {
    const { shown, options } = parseRedisUrl('redis://me:p%40ss%25@127.0.0.1:7/3');
    expect([shown, options.username, options.password, options.db]).toEqual([
      '127.0.0.1:7',
      'me',
      'p@ss%',
      3,
    ]);
  });

  it('whose password has a bare % is refused, and told how it is written, without the password', () => {
    for (const text of [
      'redis://me:secret%@127.0.0.1',
      'redis://se%t:x@127.0.0.1',
      'redis://:%ff@127.0.0.1',
    ]) {
      expect(refusal(text)).toContain('write it as %25');
      expect(refusal(text)).not.toMatch(/secret|se%t|%ff/);
    }
  });
});
