-- Gives work to a drone whose inventory is in the tables, and publishes its agent's address, which may be empty: the agent
-- cannot be asked then.
if not is_current(MEMBER_DRONE .. drone, registration) then return 0 end
arrived(MEMBER_DRONE .. drone)
set_load(drone)
put_agent(drone, row)
return 1
