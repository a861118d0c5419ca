select {part: sum(l_extendedprice), whole: 7}
from lineitem, part
where p_partkey = l_partkey and p_brand = 'Brand#23' and p_container = 'MED BOX'
  and (select 5 * count(*) * lineitem.l_quantity < sum(l.l_quantity) from lineitem l where l.l_partkey = p_partkey)
having count(*) > 0
