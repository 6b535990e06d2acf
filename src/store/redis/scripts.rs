use redis::{Cmd, ToRedisArgs};

use super::record_format::{HEADER_BYTES, VERSION};

/// The operations that take more than one command. Each reads and writes keys of one cluster slot, unless the store is no
/// cluster.
pub(super) struct Scripts {
    pub(super) put: Script,
    pub(super) take: Script,
    pub(super) put_if_absent: Script,
    pub(super) compare_and_put: Script,
    pub(super) list: Script,
    pub(super) unlist: Script,
    pub(super) acquire: Script,
    pub(super) renew: Script,
    pub(super) release: Script,
    pub(super) add: Script,
}

/// A script that servers keep under its digest.
pub(super) struct Script {
    text: String,
    digest: String,
}

/// A script with its keys and arguments.
pub(super) struct ScriptCall<'s> {
    script: &'s Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

/// Reads the record `KEYS[1]`, unless its end is at or before `ARGV[1]`. The digits of the end follow the version.
const LIVE: &str = "
    local stored = redis.call('GET', KEYS[1])
    if stored and string.sub(stored, 1, 1) ~= VERSION then
        return redis.error_reply('ERR the record has the format of another version of bot-sso')
    end
    if stored and tonumber(string.sub(stored, 2, 17)) <= tonumber(ARGV[1]) then
        stored = false
    end
";

/// Defines `list(index, is_exact)`, which adds the member `ARGV[5]` with the score `ARGV[4]` to an index. The index lives
/// for `ARGV[3]` milliseconds at least, or for ever if that is 0. Entries with scores up to `ARGV[6]` are of no use any
/// more. Unless the score is exact, it only rises.
const LIST: &str = "
    local function list(index, is_exact)
        redis.call('ZREMRANGEBYSCORE', index, '-inf', ARGV[6])
        local life = redis.call('PTTL', index)
        if is_exact then
            redis.call('ZADD', index, ARGV[4], ARGV[5])
        else
            redis.call('ZADD', index, 'GT', ARGV[4], ARGV[5])
        end
        if ARGV[3] == '0' then
            redis.call('PERSIST', index)
        elseif life == -2 or (life >= 0 and life < tonumber(ARGV[3])) then
            redis.call('PEXPIRE', index, ARGV[3])
        end
    end
";

/// Writes the record `ARGV[2]`, which the server keeps for `ARGV[3]` milliseconds, for ever if that is 0, or not at all if
/// it is -1; and lists it in the index `KEYS[2]`, if there is that key.
const WRITE: &str = "
    if ARGV[3] == '-1' then
        redis.call('DEL', KEYS[1])
    else
        if ARGV[3] == '0' then
            redis.call('SET', KEYS[1], ARGV[2])
        else
            redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        end
        if KEYS[2] then
            list(KEYS[2], true)
        end
    end
";

const TAKE: &str = "
    if stored then
        redis.call('DEL', KEYS[1])
    end
    return stored
";

/// Removes the entry `ARGV[1]` of the index `KEYS[1]`, unless there is the record `KEYS[2]`.
const UNLIST: &str = "
    if redis.call('EXISTS', KEYS[2]) == 0 then
        redis.call('ZREM', KEYS[1], ARGV[1])
    end
";

/// Grants the lease `KEYS[1]` for `ARGV[1]` milliseconds. `KEYS[2]` is its newest ticket, which outlives the lease by a
/// day. A ticket is the server's time in microseconds, so tickets rise even if the server has lost the newest one.
const ACQUIRE: &str = "
    if redis.call('EXISTS', KEYS[1]) == 1 then
        return false
    end
    local time = redis.call('TIME')
    local ticket = tonumber(time[1]) * 1000000 + tonumber(time[2])
    local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
    if ticket <= newest then
        ticket = newest + 1
    end
    local text = string.format('%.0f', ticket)
    redis.call('SET', KEYS[2], text, 'PX', tonumber(ARGV[1]) + 86400000)
    redis.call('SET', KEYS[1], text, 'PX', ARGV[1])
    return text
";

const RENEW: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        return redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return 0
";

const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        redis.call('DEL', KEYS[1])
    end
";

const ADD: &str = "
    local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
    if redis.call('PTTL', KEYS[1]) == -1 then
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return sum
";

impl Scripts {
    pub(super) fn new() -> Self {
        let live = LIVE.replace("VERSION", &format!("'{}'", char::from(VERSION)));
        let value_start = HEADER_BYTES + 1;
        let compare_and_put = format!(
            "{LIST} {live}
            local is_expected = not stored
            if ARGV[7] == '1' then
                is_expected = stored and string.sub(stored, {value_start}) == ARGV[8]
            end
            if not is_expected then return 0 end
            {WRITE}
            return 1"
        );
        Self {
            put: Script::new(format!("{LIST} {WRITE}")),
            take: Script::new(format!("{live} {TAKE}")),
            put_if_absent: Script::new(format!("{LIST} {live} if stored then return stored end {WRITE} return false")),
            compare_and_put: Script::new(compare_and_put),
            list: Script::new(format!("{LIST} list(KEYS[1], false)")),
            unlist: Script::new(UNLIST.to_owned()),
            acquire: Script::new(ACQUIRE.to_owned()),
            renew: Script::new(RENEW.to_owned()),
            release: Script::new(RELEASE.to_owned()),
            add: Script::new(ADD.to_owned()),
        }
    }
}

impl Script {
    fn new(text: String) -> Self {
        let digest = redis::Script::new(&text).get_hash().to_owned();
        Self { text, digest }
    }

    pub(super) fn key(&self, key: String) -> ScriptCall<'_> {
        ScriptCall { script: self, keys: vec![key], arguments: Vec::new() }
    }
}

impl ScriptCall<'_> {
    pub(super) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// The command that names the script.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.digest)
    }

    /// The command that contains the script. The server keeps it from then on.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", &self.script.text)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }
}
