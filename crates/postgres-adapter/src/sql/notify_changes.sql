SELECT pg_notify('lethe_changes', :owners)
