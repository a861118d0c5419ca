select c_count, count(*)
from (
  select c_custkey, count(o_orderkey) as c_count
  from customer left join orders on c_custkey = o_custkey and o_comment not like '%special%requests%'
  group by c_custkey)
group by c_count
