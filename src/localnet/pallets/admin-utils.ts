// Owns: AdminUtils as a whole: every call that its metadata lists (subtensor admin-utils/src/lib.rs).
import type { Handlers } from '../dispatch.js';
import { ownerHandlers } from './admin-utils-owner.js';
import { rootHandlers } from './admin-utils-root.js';

export const adminUtilsHandlers: Handlers<'AdminUtils'> = { ...ownerHandlers, ...rootHandlers };
