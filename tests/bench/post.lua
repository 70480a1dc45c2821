-- Sends each line of a file (path, tab, body) once, starting after the lines that earlier runs used. Without a body: GET.
local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
local read

function init(args)
  read = io.lines(args[1])
  for _ = 1, tonumber(args[2]) do read() end
end

function request()
  local line = read()
  if not line then
    read = function() return nil end
    return wrk.format("GET", "/no-line-is-left") -- 404: the bench counts it as a fault
  end
  local path, body = line:match("^(.-)\t(.*)$")
  if body == "" then return wrk.format("GET", path) end
  return wrk.format("POST", path, headers, body)
end
