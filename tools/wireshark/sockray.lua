-- Makes fields of the comments in sockray's recordings (docs/recording.md), to filter by and to show as columns. Sends
-- without a frame are rows of a journal, with the same words in their field SOCKRAY.
--   tshark -X lua_script:sockray.lua -r FILE -Y 'sockray.outcome == "dropped"' -T fields -e sockray.comm -e sockray.reason
--   Wireshark: copy it into the folder that Help, About, Folders calls Personal Lua Plugins.

local sockray = Proto("sockray", "sockray: what the kernel did with this send")
local sources = { Field.new("frame.comment"), Field.new("systemd_journal.field.value") }

local numbers = { "send", "pid", "tid", "len", "ret", "netns", "socket", "queue", "bypass", "segments" }
local texts = { "outcome", "comm", "entry", "errno", "reason", "end_stage", "ifname", "qdisc", "driver", "received", "receivers", "passed_on_to", "path" }
local stages = {
    "__sys_sendto", "__sys_sendmsg", "__sys_sendmmsg", "sock_write_iter", "sockfd_lookup_light", "sock_sendmsg",
    "__sock_sendmsg", "packet_sendmsg", "packet_sendmsg_spkt", "packet_snd", "tpacket_snd", "sock_alloc_send_pskb",
    "schedule_timeout", "skb_copy_datagram_from_iter", "packet_parse_headers", "packet_xmit", "__dev_queue_xmit",
    "__dev_direct_xmit", "qdisc_enqueue", "qdisc_dequeue", "dev_hard_start_xmit", "ndo_start_xmit", "packet_rcv",
    "tpacket_rcv", "skb_freed",
}

local field = {}
for _, key in ipairs(numbers) do field[key] = ProtoField.int64("sockray." .. key, key) end
for _, key in ipairs(texts) do field[key] = ProtoField.string("sockray." .. key, key) end
for _, key in ipairs(stages) do field[key] = ProtoField.uint64("sockray.stage." .. key, key .. " (ns)") end
sockray.fields = field

local is_text = {}
for _, key in ipairs(texts) do is_text[key] = true end
local is_stage = {}
for _, key in ipairs(stages) do is_stage[key] = true end

-- The two halves of a number of at most 53 bits.
local function words(digits)
    local number = tonumber(digits)
    return number % 4294967296, math.floor(number / 4294967296)
end

-- Calls found(key, value) for each key=value of a comment.
local function each(text, found)
    local at = 1
    while true do
        local from, to, key = text:find("^%s*([%w_]+)=", at)
        if not from then return end
        at = to + 1
        if text:sub(at, at) == '"' then
            local value = {}
            at = at + 1
            while at <= #text and text:sub(at, at) ~= '"' do
                if text:sub(at, at) == "\\" then at = at + 1 end
                value[#value + 1] = text:sub(at, at)
                at = at + 1
            end
            at = at + 1
            found(key, table.concat(value))
        else
            local _, last, value = text:find("^(%S*)", at)
            at = last + 1
            found(key, value)
        end
    end
end

local function show(branch, key, value)
    local one = field[key]
    if not one then return end
    if is_text[key] then
        branch:add(one, value)
        return
    end
    local digits = value:match("^%+?(%-?%d+)$")
    if not digits then return end
    branch:add(one, is_stage[key] and UInt64.new(words(digits)) or Int64.new(words(digits)))
end

function sockray.dissector(_, _, tree)
    for _, source in ipairs(sources) do
        for _, info in ipairs({ source() }) do
            local text = tostring(info)
            if text:find("^%s*send=%d+ outcome=") then
                local branch = tree:add(sockray)
                each(text, function(key, value) show(branch, key, value) end)
            end
        end
    end
end

register_postdissector(sockray)
